// Package kitchen is generated from a declaration that uses every type; its test sends them through the codec.
package kitchen

//go:generate go tool ironflow-gen
