// Package purse is a workflow that other workflows send inputs to, for the tests of package runtime.
package purse

//go:generate go tool ironflow-gen
