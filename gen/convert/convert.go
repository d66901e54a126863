// Package convert writes a model as a declaration, in either of its forms: a file in YAML, or annotated Go types. What it
// writes gives the same model when it is read, but for positions and Go names.
//
// White space in docs is kept as far as gofmt does, which lays out lists and code in comments.
package convert
