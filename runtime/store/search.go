package store

import "context"

// Search is the ability of a store to find instances by the values of declared search fields, by unique keys, and by the beginning of
// their ids. A commit stores Change.Search as a part of it. Workflows that declare search fields, and admin.Admin.Find, need it.
type Search interface {
	// FindInstances returns up to query.Limit instances that a query selects, sorted by id and workflow.
	FindInstances(ctx context.Context, query FindQuery) ([]InstanceSummary, error)

	// PutSearchValues stores values of instances that are stored already. A value that a later version of the instance led to stays.
	// Instances that do not exist are left out.
	PutSearchValues(ctx context.Context, values []InstanceSearch) error
}

// SearchValue is the value of a search field. An empty Value means that the instance has none any more.
type SearchValue struct {
	Field string
	Value string // at most MaxIDLength bytes
}

// InstanceSearch are values of distinct search fields of an instance at a version.
type InstanceSearch struct {
	Instance InstanceKey
	Version  int64
	Values   []SearchValue
}

// FindQuery selects instances by one of Field, UniqueKey and IDPrefix.
type FindQuery struct {
	Workflow string // empty for all workflows, which only IDPrefix allows

	Field, Value string // the instances whose search field has this value
	UniqueKey    string // the active instance that holds this key
	IDPrefix     string // the instances whose ids begin with this

	After InstanceKey // the list goes on after it; zero for the beginning
	Limit int
}

// PrefixEnd returns a text that is greater, byte by byte, than all texts that begin with a prefix.
func PrefixEnd(prefix string) string { return prefix + "\U0010FFFF\U0010FFFF" }
