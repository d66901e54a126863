// Package order is the workflow of the example: an order from checkout to payment.
package order

//go:generate go tool ironflow-gen
