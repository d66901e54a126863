package postgres

import "strings"

// inspectionQueries are the statements of store.Inspection. They lock nothing.
type inspectionQueries struct {
	history, causes, causesBackward, ended, summary, summaries, undelivered, listInstances, countInstances, listDiscarded, eventTypes, idle string
}

func newInspectionQueries(in func(sql string) string) inspectionQueries {
	return inspectionQueries{
		history: in(readHistory), causes: in(readCauses), causesBackward: in(readCausesBackward), ended: in(readEnded), summary: in(readSummary),
		summaries: in(readSummaries), undelivered: in(readUndelivered),
		listInstances: in(listInstances), countInstances: in(countInstances), listDiscarded: in(listDiscarded),
		eventTypes: in(readEventTypes), idle: in(readIdle),
	}
}

// readCauses and readCausesBackward read events of the instance $1, $2 with their causes, at most $4: those from the version $3 on, or
// up to it.
const (
	readCauses         = causesOf + ` AND version >= $3::bigint ORDER BY version LIMIT $4::bigint`
	readCausesBackward = causesOf + ` AND version <= $3::bigint ORDER BY version DESC LIMIT $4::bigint`

	causesOf = `
SELECT version, global_sequence, type, recorded_at, commit_id, cause
FROM ironflow.events
WHERE instance = $1::text AND workflow = $2::text AND commit_id > 0`
)

// readHistory reads events of the instance $1, $2 after the version $3, at most $4 and a page by their $5 bytes.
var readHistory = pageByBytes(`
SELECT version, global_sequence, type, schema_version, payload, recorded_at, commit_id
FROM ironflow.events
WHERE instance = $1::text AND workflow = $2::text AND version > $3::bigint AND commit_id > 0
ORDER BY version
LIMIT $4::bigint`, "version", "$5", "payload")

// readEventTypes counts the types of the $1 oldest and the $1 newest events.
const readEventTypes = `
SELECT workflow, type, schema_version, count(*), min(recorded_at)
FROM (
    (SELECT workflow, type, schema_version, recorded_at, global_sequence FROM ironflow.events WHERE global_sequence > 0 ORDER BY global_sequence LIMIT $1::bigint)
    UNION
    (SELECT workflow, type, schema_version, recorded_at, global_sequence FROM ironflow.events WHERE global_sequence > 0 ORDER BY global_sequence DESC LIMIT $1::bigint)
) sample
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3`

// readIdle returns those of the instances $1, $2 for which nothing waits to be delivered.
// That a delivery is alive is said so that no index of living ones fits, which would be walked along.
const readIdle = `
SELECT k.instance, k.workflow
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (instance, workflow, number)
LEFT JOIN LATERAL (
    SELECT true AS there FROM ironflow.effects e
    WHERE e.instance = k.instance AND e.workflow = k.workflow AND coalesce(e.died_at, timestamptz 'infinity') = timestamptz 'infinity'
    LIMIT 1 OFFSET 0
) e ON true
LEFT JOIN LATERAL (
    SELECT true AS there FROM ironflow.timers t
    WHERE t.instance = k.instance AND t.workflow = k.workflow AND coalesce(t.died_at, timestamptz 'infinity') = timestamptz 'infinity'
    LIMIT 1 OFFSET 0
) t ON true
WHERE e.there IS NULL AND t.there IS NULL
ORDER BY k.number`

var readSummary = `
SELECT i.instance, i.workflow, l.version, coalesce(l.status, ''), i.created_at, l.recorded_at, i.completed_at
FROM ironflow.instances i
CROSS JOIN LATERAL (` + lastEvent("e.version, e.status, e.recorded_at", "i") + `
) l
WHERE i.instance = $1::text AND i.workflow = $2::text`

// readSummaries is readSummary for those of the instances $1, $2 that there are.
var readSummaries = `
SELECT i.instance, i.workflow, l.version, coalesce(l.status, ''), i.created_at, l.recorded_at, i.completed_at
FROM unnest($1::text[], $2::text[]) AS k (instance, workflow)
CROSS JOIN LATERAL (
    SELECT * FROM ironflow.instances i WHERE i.instance = k.instance AND i.workflow = k.workflow LIMIT 1 OFFSET 0
) i
CROSS JOIN LATERAL (` + lastEvent("e.version, e.status, e.recorded_at", "i") + `
) l`

// readUndelivered returns those of the effects $1 to $4 that are still to be delivered.
// That an effect is alive is said so that no index of living ones fits, see readIdle.
const readUndelivered = `
SELECT k.instance, k.workflow, k.version, k.position
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS k (instance, workflow, version, position)
CROSS JOIN LATERAL (
    SELECT true FROM ironflow.effects e
    WHERE e.instance = k.instance AND e.workflow = k.workflow AND e.version = k.version AND e.position = k.position
      AND coalesce(e.died_at, timestamptz 'infinity') = timestamptz 'infinity'
    LIMIT 1 OFFSET 0
) e`

// listInstances reads instances of the workflow $1, or of all, that are active or completed, $2, or either, in the status $3, or
// any, created since $4, with a last event since $5 and before $6. They come in descending order from the place ($7, $8, $9) on,
// which is not among them, at most $10.
//
// Each of the two indexes is read backwards from the place, for one workflow at a time: which there are is found by going from
// one to the next in the index. So the statement reads about as much as it returns for each workflow, unless the status or the
// last event let few through. The status of an active instance, and the time of its last event, are read from that event; those of a
// completed one stand in its row.
var listInstances = `
WITH RECURSIVE` + listHalf(`
<half> (workflow) AS (
    SELECT CASE WHEN $1::text <> '' THEN $1::text
                ELSE (SELECT min(i.workflow) FROM ironflow.instances i WHERE <is half>) END
    WHERE $2::text IN ('', '<half>')
    UNION ALL
    SELECT (SELECT min(i.workflow) FROM ironflow.instances i
            WHERE <is half> AND i.workflow > w.workflow)
    FROM <half> w
    WHERE $1::text = '' AND w.workflow IS NOT NULL
)`, ",") + `
SELECT instance, workflow, version, coalesce(status, ''), created_at, updated_at, completed_at
FROM (` + listHalf(`
    SELECT i.*
    FROM <half> w
    CROSS JOIN LATERAL (
        SELECT i.instance, i.workflow, l.version, <status> AS status, i.created_at, <updated> AS updated_at, i.completed_at
        FROM ironflow.instances i
        CROSS JOIN LATERAL (`+lastEvent("e.version, e.status, e.recorded_at", "i")+`
        ) l
        WHERE <is half> AND i.workflow = w.workflow
          AND i.created_at >= $4::timestamptz
          AND (i.created_at, i.instance, i.workflow) < ($7::timestamptz, $8::text, $9::text)
          AND ($3::text = '' OR <status> = $3::text)
          AND <updated> >= $5::timestamptz AND <updated> < $6::timestamptz
        ORDER BY i.created_at DESC, i.instance DESC
        LIMIT $10::bigint
    ) i`, "\n    UNION ALL") + `
) AS found
ORDER BY created_at DESC, instance DESC, workflow DESC
LIMIT $10::bigint`

// isActive and isCompleted are the conditions of the indexes of instances, see migrations/001_initial.up.sql. What looks an instance up by its key
// must not say it so.
const (
	isActive    = "coalesce(i.completed_at, timestamptz 'infinity') = timestamptz 'infinity'"
	isCompleted = "coalesce(i.completed_at, timestamptz 'infinity') < timestamptz 'infinity'"
)

// listHalf writes SQL once for each of the indexes.
func listHalf(sql, between string) string {
	active := strings.NewReplacer("<half>", "active", "<is half>", isActive, "<status>", "l.status", "<updated>", "l.recorded_at",
		"<join status>", "\n    CROSS JOIN LATERAL ("+lastEvent("e.status, e.recorded_at", "i")+"\n    ) l")
	completed := strings.NewReplacer("<half>", "completed", "<is half>", isCompleted, "<status>", "i.status", "<updated>", "i.completed_at",
		"<join status>", "")
	return active.Replace(sql) + between + completed.Replace(sql)
}

// countInstances counts what listInstances would list by $1 to $6, created before $7.
var countInstances = `
SELECT workflow, coalesce(status, ''), completed, count(*)
FROM (` + listHalf(`
    SELECT i.workflow, <status> AS status, '<half>' = 'completed' AS completed
    FROM ironflow.instances i<join status>
    WHERE <is half> AND $2::text IN ('', '<half>')
      AND ($1::text = '' OR i.workflow = $1::text)
      AND ($3::text = '' OR <status> = $3::text)
      AND i.created_at >= $4::timestamptz AND <updated> >= $5::timestamptz AND <updated> < $6::timestamptz
      AND i.created_at < $7::timestamptz`, "\n    UNION ALL") + `
) AS found
GROUP BY 1, 2, 3
ORDER BY 1, 3, 2`
