// Package invoice is what the recipe knows of another service.
package invoice

//go:generate go tool ironflow-gen
