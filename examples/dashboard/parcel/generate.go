// Package parcel is the workflow of the example: the way of a parcel.
package parcel

//go:generate go tool ironflow-gen
