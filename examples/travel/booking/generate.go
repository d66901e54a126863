// Package booking is a workflow of the example: the booking of one thing.
package booking

//go:generate go tool ironflow-gen
