package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// searchQueries are the statements of store.Search.
type searchQueries struct{ put, add, byValue, byKey, byPrefix string }

func newSearchQueries(in func(sql string) string) searchQueries {
	return searchQueries{
		put: in(putSearchValues), add: in(addSearchValues), byValue: in(findByValue), byKey: in(findByKey), byPrefix: in(findByPrefix),
	}
}

// putSearchValues stores values of search fields.
const putSearchValues = `
INSERT INTO ironflow.search AS s (instance, workflow, field, value, version)
SELECT k.instance, k.workflow, k.field, k.value, k.version
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[]) AS k (instance, workflow, field, value, version)` + unlessLater

// unlessLater leaves a value that a later version led to.
const unlessLater = `
ON CONFLICT (instance, workflow, field) DO UPDATE SET value = excluded.value, version = excluded.version
WHERE s.version <= excluded.version`

// addSearchValues is putSearchValues for instances that may have been deleted. It locks those that are there against that.
const addSearchValues = `
WITH there AS (
    SELECT k.instance, k.workflow, k.field, k.value, k.version
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[]) AS k (instance, workflow, field, value, version)
    CROSS JOIN LATERAL (
        SELECT true FROM ironflow.instances i WHERE i.instance = k.instance AND i.workflow = k.workflow LIMIT 1 FOR KEY SHARE
    ) i
)
INSERT INTO ironflow.search AS s (instance, workflow, field, value, version)
SELECT instance, workflow, field, value, version FROM there` + unlessLater

// The queries that find instances walk along an index from the place ($1, $2) on, and return at most $3. findByPrefix begins at $5, which is
// not before the place. With the place as a condition of the index, the server would begin at the place, and walk to the prefix.
var (
	findByValue = foundBy(`
SELECT s.instance, s.workflow FROM ironflow.search s
WHERE s.workflow = $4::text AND s.field = $5::text AND s.value = $6::text AND s.value <> '' AND s.instance > $1::text
  AND $2::text IS NOT NULL
ORDER BY s.instance LIMIT $3::bigint`)

	findByKey = foundBy(`
SELECT u.instance, u.workflow FROM ironflow.unique_keys u
WHERE u.workflow = $4::text AND u.key = $5::text AND (u.instance || '', u.workflow || '') > ($1::text, $2::text)
LIMIT $3::bigint`)

	findByPrefix = foundBy(`
SELECT i.instance, i.workflow FROM ironflow.instances i
WHERE i.instance >= $5::text AND i.instance < $6::text AND (i.instance || '', i.workflow || '') > ($1::text, $2::text)
  AND ($4::text = '' OR i.workflow || '' = $4::text)
ORDER BY i.instance, i.workflow LIMIT $3::bigint`)
)

// foundBy reads the instances that a query selects.
func foundBy(query string) string {
	return `
SELECT i.instance, i.workflow, l.version, coalesce(l.status, ''), i.created_at, l.recorded_at, i.completed_at
FROM (` + query + `) k
CROSS JOIN LATERAL (
    SELECT * FROM ironflow.instances i WHERE i.instance = k.instance AND i.workflow = k.workflow LIMIT 1 OFFSET 0
) i
CROSS JOIN LATERAL (` + lastEvent("e.version, e.status, e.recorded_at", "i") + `
) l
ORDER BY i.instance, i.workflow`
}

// FindInstances implements store.Search.
func (s *Store) FindInstances(ctx context.Context, query store.FindQuery) ([]store.InstanceSummary, error) {
	q := &s.queries.search
	sql, args := q.byPrefix, []any{max(query.IDPrefix, query.After.ID), store.PrefixEnd(query.IDPrefix)}
	switch {
	case query.Field != "":
		sql, args = q.byValue, []any{query.Field, query.Value}
	case query.UniqueKey != "":
		sql, args = q.byKey, []any{query.UniqueKey}
	}
	args = append([]any{query.After.ID, query.After.Workflow, int64(query.Limit), query.Workflow}, args...)
	found, err := readRowsInOrder(ctx, s.reads(ctx), scanInstance, sql, args...)
	if err != nil {
		return nil, wrap(err, "find instances")
	}
	return found, nil
}

// PutSearchValues implements store.Search.
func (s *Store) PutSearchValues(ctx context.Context, values []store.InstanceSearch) error {
	var columns searchColumns
	for _, i := range values {
		columns.add(i.Instance, i.Version, i.Values)
	}
	if columns.empty() {
		return nil
	}
	err := transact(ctx, s.pool, func(batch *pgx.Batch) { batch.Queue(s.queries.search.add, columns.args()...) })
	if err != nil {
		return wrap(err, "store search values")
	}
	return nil
}

type searchColumns struct {
	instanceColumns
	fields, values []string
	versions       []int64
}

func (c *searchColumns) add(instance store.InstanceKey, version int64, values []store.SearchValue) {
	for _, v := range values {
		c.instanceColumns.add(instance)
		c.fields, c.values, c.versions = append(c.fields, v.Field), append(c.values, v.Value), append(c.versions, version)
	}
}

func (c *searchColumns) args() []any {
	return []any{c.ids, c.workflows, c.fields, c.values, c.versions}
}

// search stores the values of search fields.
func (b *changeBatch) search() {
	var columns searchColumns
	for _, change := range b.changes {
		columns.add(change.Instance, change.NewVersion(), change.Search)
	}
	if !columns.empty() {
		b.Queue(b.queries.search.put, columns.args()...)
	}
}
