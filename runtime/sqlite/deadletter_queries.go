package sqlite

import (
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// deadLetterQueries are the statements of [store.DeadLetters] on one queue.
type deadLetterQueries struct {
	list, count             map[store.ToldFilter]string
	revive, record, discard string
}

// newDeadLetterQueries makes them with the names of a queue. held finds a row by its lease.
func newDeadLetterQueries(named *strings.Replacer, held string) deadLetterQueries {
	const filter = `
FROM {table}
WHERE died_at IS NOT NULL {told} AND died_at >= ?5 AND (?1 = '' OR workflow = ?1) AND (?2 = '' OR kind = ?2)
  AND (?3 = '' OR instance = ?3) AND (?4 = '' OR instr(last_error, ?4) > 0)`
	// list walks along an index of the dead from the newest.
	const list = `
SELECT instance, workflow, version, {item}, token, kind, payload, due_at, attempts, last_error, died_at, commit_id, told_at` + filter + `
  AND (died_at, instance, workflow, version, {item}) < (?6, ?7, ?8, ?9, ?10)
ORDER BY died_at DESC, instance DESC, workflow DESC, version DESC, {item} DESC LIMIT ?11`
	const count = `
SELECT workflow, kind, count(*), min(died_at), max(died_at)` + filter + ` AND died_at < ?6
GROUP BY workflow, kind ORDER BY workflow, kind`
	// Each condition is text of its own, so that SQLite knows which index has these dead letters.
	byTold := func(sql string) map[store.ToldFilter]string {
		return map[store.ToldFilter]string{
			store.NotTold:   named.Replace(strings.Replace(sql, "{told}", "AND told_at IS NULL", 1)),
			store.OnlyTold:  named.Replace(strings.Replace(sql, "{told}", "AND told_at IS NOT NULL", 1)),
			store.ToldOrNot: named.Replace(strings.Replace(sql, "{told}", "", 1)),
		}
	}
	return deadLetterQueries{
		list:  byTold(list),
		count: byTold(count),
		revive: named.Replace(`
UPDATE {table} SET died_at = NULL, told_at = NULL, blocked_since = NULL, attempts = 0, run_at = ?, token = token + 1` + held + ` AND died_at IS NOT NULL`),
		record: named.Replace(`
INSERT INTO ironflow_discarded_letters
    (instance, workflow, queue, version, item, kind, payload, attempts, last_error, due_at, died_at,
     discarded_at, discarded_by, reason)
SELECT instance, workflow, '{queue}', version, {item}, kind, payload, attempts, coalesce(last_error, ''), due_at, died_at,
       ?, ?, ?
FROM {table}` + held + ` AND died_at IS NOT NULL`),
		discard: named.Replace(`DELETE FROM {table}` + held + ` AND died_at IS NOT NULL`),
	}
}

const listDiscarded = `
SELECT instance, workflow, queue, version, item, kind, payload, attempts, last_error, due_at, died_at,
       discarded_at, discarded_by, reason
FROM ironflow_discarded_letters
WHERE (?1 = '' OR workflow = ?1) AND (?2 = '' OR instance = ?2)
  AND (discarded_at, instance, workflow, queue, version, item) < (?3, ?4, ?5, ?6, ?7, ?8)
ORDER BY discarded_at DESC, instance DESC, workflow DESC, queue DESC, version DESC, item DESC LIMIT ?9`
