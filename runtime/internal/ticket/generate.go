// Package ticket is a workflow for the tests of package runtime.
package ticket

//go:generate go tool ironflow-gen
