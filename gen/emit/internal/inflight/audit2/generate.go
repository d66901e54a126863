package audit

//go:generate go tool ironflow-gen
