// Package card is what membership starts and sends inputs to; its test is there. Package renamed reads what it stores.
package card

//go:generate go tool ironflow-gen
