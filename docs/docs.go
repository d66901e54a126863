// Package docs has the pages of the documentation that programs read.
package docs

import _ "embed"

// Diagnostics is reference/diagnostics.md, from which "ironflow-gen explain" prints.
//
//go:embed reference/diagnostics.md
var Diagnostics string
