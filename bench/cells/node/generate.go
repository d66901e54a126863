// Package node is the workflow that bench/cells -kills runs.
package node

//go:generate go tool ironflow-gen
