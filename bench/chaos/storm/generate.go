// Package storm is the workflow that bench/chaos runs.
package storm

//go:generate go tool ironflow-gen
