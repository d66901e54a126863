// Package tally is the workflow that the benchmarks run.
package tally

//go:generate go tool ironflow-gen
