// Package membership is generated from a declaration that says everything about effects, other workflows and schedules; its
// test lets the engine do it.
package membership

//go:generate go tool ironflow-gen
