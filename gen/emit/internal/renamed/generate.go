// Package renamed has other names than it stores. Its test reads what was stored before; membership starts it and sends it inputs.
package renamed

//go:generate go tool ironflow-gen
