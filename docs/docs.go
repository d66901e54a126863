// Package docs has the pages of the documentation that programs read.
package docs

import _ "embed"

// Diagnostics is diagnostics.md, from which "ironflow-gen explain" prints.
//
//go:embed diagnostics.md
var Diagnostics string
