package postgres

import (
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// deadLetterQueries are the statements of store.DeadLetters. The words in angle brackets are explained at queueQueries.
type deadLetterQueries struct {
	listDead, countDead map[store.ToldFilter]string
	revive, discard     string
}

func newDeadLetterQueries(in func(sql string) string) deadLetterQueries {
	q := deadLetterQueries{
		listDead: make(map[store.ToldFilter]string), countDead: make(map[store.ToldFilter]string),
		revive: in(reviveDead), discard: in(discardDead),
	}
	// Each condition is text of its own, so that the planner knows which index has these dead letters.
	for filter, condition := range map[store.ToldFilter]string{
		store.NotTold: "AND q.told_at IS NULL", store.OnlyTold: "AND q.told_at IS NOT NULL", store.ToldOrNot: "",
	} {
		q.listDead[filter] = in(strings.Replace(listDead, "<told>", condition, 1))
		q.countDead[filter] = in(strings.Replace(countDead, "<told>", condition, 1))
	}
	return q
}

// deadFilter lets through dead letters of the workflow $1, kind $2 and instance $3, with the text $4 in their error, that died
// since $5.
const deadFilter = `
FROM ironflow.<queue> q
WHERE q.died_at IS NOT NULL <told> AND q.died_at >= $5::timestamptz
  AND ($1::text = '' OR q.workflow = $1::text) AND ($2::text = '' OR q.kind = $2::text)
  AND ($3::text = '' OR q.instance = $3::text) AND ($4::text = '' OR strpos(q.last_error, $4::text) > 0)`

// listDead returns dead letters behind the place ($6 to $10), at most $11. It reads the index of the dead backwards.
const listDead = `
SELECT q.instance, q.workflow, q.version, q.<item>::text, q.token, q.commit_id, q.kind, q.payload, q.due_at, q.attempts,
       coalesce(q.last_error, ''), q.died_at, q.told_at` + deadFilter + `
  AND (q.died_at, q.instance, q.workflow, q.version, q.<item>)
    < ($6::timestamptz, $7::text, $8::text, $9::bigint, $10::text::<item type>)
ORDER BY q.died_at DESC, q.instance DESC, q.workflow DESC, q.version DESC, q.<item> DESC
LIMIT $11::bigint`

// countDead counts those that died before $6.
const countDead = `
SELECT q.workflow, q.kind, count(*), min(q.died_at), max(q.died_at)` + deadFilter + `
  AND q.died_at < $6::timestamptz
GROUP BY 1, 2
ORDER BY 1, 2`

// reviveDead makes dead letters due at $8, and records the action $7.
var reviveDead = `
WITH done AS (
    UPDATE ironflow.<queue> q
    SET died_at = NULL, told_at = NULL, blocked_since = NULL, attempts = 0, run_at = $8::timestamptz, token = q.token + 1
    FROM ` + heldBy("", "") + ` AND q.died_at IS NOT NULL
    RETURNING k.number
)` + auditing("$7") + `
SELECT number FROM done`

// discardDead deletes dead letters and keeps a record of them: at $8, by $9, because of $10. It records the action $7.
var discardDead = `
WITH done AS (
    DELETE FROM ironflow.<queue> q
    USING ` + heldBy("", "") + ` AND q.died_at IS NOT NULL
    RETURNING k.number, q.*
), recorded AS (
    INSERT INTO ironflow.discarded_letters
        (instance, workflow, queue, version, item, kind, payload, attempts, last_error, due_at, died_at,
         discarded_at, discarded_by, reason)
    SELECT instance, workflow, '<queue>', version, <item>::text, kind, payload, attempts, coalesce(last_error, ''),
           due_at, died_at, $8::timestamptz, $9::text, $10::text
    FROM done
)` + auditing("$7") + `
SELECT number FROM done`

// listDiscarded returns records of the workflow $1 and the instance $2 behind the place ($3 to $8), at most $9.
const listDiscarded = `
SELECT instance, workflow, queue, version, item, kind, payload, attempts, last_error, due_at, died_at,
       discarded_at, discarded_by, reason
FROM ironflow.discarded_letters
WHERE ($1::text = '' OR workflow = $1::text) AND ($2::text = '' OR instance = $2::text)
  AND (discarded_at, instance, workflow, queue, version, item)
    < ($3::timestamptz, $4::text, $5::text, $6::text, $7::bigint, $8::text)
ORDER BY discarded_at DESC, instance DESC, workflow DESC, queue DESC, version DESC, item DESC
LIMIT $9::bigint`
