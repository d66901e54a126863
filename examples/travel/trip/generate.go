// Package trip is a workflow of the example: a trip, and the saga over the two others.
package trip

//go:generate go tool ironflow-gen
