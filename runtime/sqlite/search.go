package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// The statements of [store.Search]. A value that a later version led to stays.
const (
	putSearchValue = `
INSERT INTO ironflow_search (instance, workflow, field, value, version) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT DO UPDATE SET value = excluded.value, version = excluded.version WHERE version <= excluded.version`

	addSearchValue = `
INSERT INTO ironflow_search (instance, workflow, field, value, version)
SELECT ?1, ?2, ?3, ?4, ?5 FROM ironflow_instances WHERE instance = ?1 AND workflow = ?2
ON CONFLICT DO UPDATE SET value = excluded.value, version = excluded.version WHERE version <= excluded.version`

	readSearchValues = `
SELECT field, value FROM ironflow_search WHERE instance = ?1 AND workflow = ?2 AND value <> '' ORDER BY field`
)

// The queries that find instances walk along an index from the place (?1, ?2) on, and return at most ?3.
var (
	findByValue = foundBy(`
SELECT instance, workflow FROM ironflow_search
WHERE workflow = ?4 AND field = ?5 AND value = ?6 AND value <> '' AND instance > ?1 AND ?2 IS NOT NULL
ORDER BY instance LIMIT ?3`)

	findByKey = foundBy(`
SELECT instance, workflow FROM ironflow_unique_keys
WHERE workflow = ?4 AND key = ?5 AND (instance, workflow) > (?1, ?2) LIMIT ?3`)

	findByPrefix = foundBy(`
SELECT instance, workflow FROM ironflow_instances
WHERE instance >= ?5 AND instance < ?6 AND (+instance, +workflow) > (?1, ?2) AND (?4 = '' OR workflow = ?4)
ORDER BY instance, workflow LIMIT ?3`)
)

// foundBy reads the instances that a query selects.
func foundBy(query string) string {
	return `
SELECT i.instance, i.workflow, l.version, l.status, created_at, l.recorded_at, completed_at
FROM (` + query + `) AS k
CROSS JOIN ironflow_instances AS i ON i.instance = k.instance AND i.workflow = k.workflow` + joinLastEvent + `
ORDER BY i.instance, i.workflow`
}

// FindInstances implements [store.Search].
func (s *Store) FindInstances(ctx context.Context, query store.FindQuery) (found []store.InstanceSummary, err error) {
	sql, args := findByPrefix, []driver.Value{max(query.IDPrefix, query.After.ID), store.PrefixEnd(query.IDPrefix)}
	switch {
	case query.Field != "":
		sql, args = findByValue, []driver.Value{query.Field, query.Value}
	case query.UniqueKey != "":
		sql, args = findByKey, []driver.Value{query.UniqueKey}
	}
	args = append([]driver.Value{query.After.ID, query.After.Workflow, int64(query.Limit), query.Workflow}, args...)
	row := func(columns []driver.Value) error {
		found = append(found, summary(columns))
		return ctx.Err()
	}
	if err := s.readers.read(ctx, func(on *connection) error { return on.query(row, sql, args...) }); err != nil {
		return nil, fmt.Errorf("sqlite: find instances: %w", err)
	}
	return found, nil
}

// PutSearchValues implements [store.Search].
func (s *Store) PutSearchValues(ctx context.Context, values []store.InstanceSearch) error {
	err := s.writer.write(ctx, func(on *connection) error {
		for _, i := range values {
			for _, v := range i.Values {
				if _, err := on.exec(addSearchValue, i.Instance.ID, i.Instance.Workflow, v.Field, v.Value, i.Version); err != nil {
					return fmt.Errorf("%s: %w", i.Instance, err)
				}
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return fmt.Errorf("sqlite: store search values: %w", err)
	}
	return nil
}

func (c *change) putSearch() error {
	for _, v := range c.Search {
		if _, err := c.on.exec(putSearchValue, c.Instance.ID, c.Instance.Workflow, v.Field, v.Value, c.NewVersion()); err != nil {
			return err
		}
	}
	return nil
}
