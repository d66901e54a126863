package v1

//go:generate go tool ironflow-gen
