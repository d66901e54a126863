package v3

//go:generate go tool ironflow-gen
