// Package membership is generated from a declaration that says everything about effects, other workflows, schedules and types; its
// tests let the engine do it, and send every type through the codec.
package membership

//go:generate go tool ironflow-gen
