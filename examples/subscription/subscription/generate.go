// Package subscription is the workflow of the example: a membership that is renewed again and again.
package subscription

//go:generate go tool ironflow-gen
