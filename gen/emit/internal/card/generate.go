// Package card is what membership starts and sends inputs to; its test is there.
package card

//go:generate go tool ironflow-gen
