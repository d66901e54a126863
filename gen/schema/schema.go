// Package schema is the JSON Schema of a declaration in YAML, for editors: they complete keys, show what they are for, and
// mark what is not one. It knows the shape of a declaration; what its parts say of each other is checked by ironflow-gen.
package schema

import _ "embed"

// URL is where editors find the schema. The name has the version of the declaration's format.
const URL = "https://raw.githubusercontent.com/ironflow-gen/ironflow/main/gen/schema/ironflow-1.schema.json"

// Modeline is the comment with which a declaration tells editors of its schema.
const Modeline = "# yaml-language-server: $schema=" + URL

//go:embed ironflow-1.schema.json
var text []byte

// JSON returns the schema, in the dialect 2020-12.
func JSON() []byte { return text }
