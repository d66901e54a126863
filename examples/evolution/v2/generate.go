package v2

//go:generate go tool ironflow-gen
