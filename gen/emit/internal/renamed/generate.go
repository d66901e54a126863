// Package renamed is the workflow card with other names and the same stored ones.
package renamed

//go:generate go tool ironflow-gen
