// Package ledger is a workflow for the tests of package runtime.
package ledger

//go:generate go tool ironflow-gen
