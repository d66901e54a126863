// Package refund is a workflow of the example: the refund of one booking.
package refund

//go:generate go tool ironflow-gen
