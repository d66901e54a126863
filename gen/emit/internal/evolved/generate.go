package evolved

//go:generate go tool ironflow-gen
