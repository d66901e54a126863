// Package payer is a workflow that sends inputs to the workflow purse, for the tests of package runtime.
package payer

//go:generate go tool ironflow-gen
