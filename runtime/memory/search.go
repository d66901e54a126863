package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// searched is the value of a search field, and the version of the instance that led to it.
type searched struct {
	value   string
	version int64
}

// putSearch returns the search fields of an instance with new values. The map of an instance is replaced, not changed.
func (d *data) putSearch(key store.InstanceKey, version int64, values []store.SearchValue) map[string]searched {
	fields := maps.Clone(d.search[key])
	if fields == nil {
		fields = make(map[string]searched)
	}
	for _, v := range values {
		if before, there := fields[v.Field]; !there || before.version <= version {
			fields[v.Field] = searched{v.Value, version}
		}
	}
	return fields
}

// searchValues returns what an instance can be found by, in the order of fields.
func (d *data) searchValues(key store.InstanceKey) (values []store.SearchValue) {
	for _, field := range slices.Sorted(maps.Keys(d.search[key])) {
		if value := d.search[key][field].value; value != "" {
			values = append(values, store.SearchValue{Field: field, Value: value})
		}
	}
	return values
}

// FindInstances implements [store.Search].
func (s *Store) FindInstances(ctx context.Context, query store.FindQuery) (found []store.InstanceSummary, err error) {
	err = s.read(ctx, "find instances", func() error {
		for key := range s.instances {
			selected := false
			switch {
			case query.Workflow != "" && query.Workflow != key.Workflow:
			case query.Field != "":
				selected = query.Value != "" && s.search[key][query.Field].value == query.Value
			case query.UniqueKey != "":
				holder, held := s.keys[uniqueKey{key.Workflow, query.UniqueKey}]
				selected = held && holder == key.ID
			default:
				selected = strings.HasPrefix(key.ID, query.IDPrefix)
			}
			if selected && compareInstances(key, query.After) > 0 {
				found = append(found, s.summary(key))
			}
		}
		return nil
	})
	slices.SortFunc(found, func(a, b store.InstanceSummary) int { return compareInstances(a.Key, b.Key) })
	return found[:min(len(found), max(query.Limit, 0))], err
}

func compareInstances(a, b store.InstanceKey) int {
	return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Workflow, b.Workflow))
}

// PutSearchValues implements [store.Search].
func (s *Store) PutSearchValues(ctx context.Context, values []store.InstanceSearch) error {
	return s.write(ctx, "store search values", func(t *transaction) error {
		for _, v := range values {
			if _, there := s.instances[v.Instance]; there && len(v.Values) > 0 {
				put(t, s.search, v.Instance, s.putSearch(v.Instance, v.Version, v.Values))
			}
		}
		return nil
	})
}
