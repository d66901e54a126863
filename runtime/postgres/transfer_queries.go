package postgres

import "strings"

// transferQueries are the statements of store.Transfer.
type transferQueries struct {
	read string

	// These read what a program decodes of the instances $1, $2.
	eventPayloads, effectPayloads, timerPayloads, outcomePayloads string

	// These insert the rows of a table from a JSON array $1 of objects with its columns.
	instances, events, uniqueKeys, effects, timers, outcomes, ended, search string
}

func newTransferQueries(in func(sql string) string) transferQueries {
	return transferQueries{
		read:            in(readStored),
		eventPayloads:   in(readPayloads("version, type, schema_version, payload", "events", " AND commit_id > 0 ORDER BY version")),
		effectPayloads:  in(readPayloads("kind, payload", "effects", "")),
		timerPayloads:   in(readPayloads("kind, payload", "timers", "")),
		outcomePayloads: in(readPayloads("input_id, outcome", "input_outcomes", "")),
		instances:       in(insertStoredInstances), events: in(insertStoredEvents), uniqueKeys: in(insertStoredKeys),
		effects: in(insertStored("effects", storedDelivery+", position int, limit_key text")),
		timers:  in(insertStored("timers", storedDelivery+", key text")),
		outcomes: in(insertStored("input_outcomes", "instance text, workflow text, input_id text, outcome json, recorded_at timestamptz")) +
			" ON CONFLICT DO NOTHING",
		ended: in(insertStored("ended_deliveries", `instance text, workflow text, queue text, version bigint, item text, kind text,
    ending text, ended_at timestamptz, attempts int, by_instance text, by_workflow text, by_version bigint, reason text`)) +
			" ON CONFLICT DO NOTHING",
		search: in(insertStored("search", "instance text, workflow text, field text, value text, version bigint")),
	}
}

// storedDelivery are the columns that effects and timers have in common.
const storedDelivery = `instance text, workflow text, version bigint, kind text, payload json, due_at timestamptz, run_at timestamptz,
    attempts int, token bigint, commit_id bigint, last_error text, trace text, died_at timestamptz, told_at timestamptz,
    blocked_since timestamptz`

// insertStored fills columns, which are given with their types. JSON is text in the array, so that it stays as it is.
func insertStored(table, typed string) string {
	var names, values []string
	for column := range strings.SplitSeq(typed, ",") {
		name, of, _ := strings.Cut(strings.TrimSpace(column), " ")
		names = append(names, name)
		if of == "json" {
			name += "::json"
		}
		values = append(values, name)
	}
	return "\nINSERT INTO ironflow." + table + " (" + strings.Join(names, ", ") + ")\nSELECT " + strings.Join(values, ", ") +
		"\nFROM json_to_recordset($1::json) AS r (" + strings.ReplaceAll(typed, " json", " text") + ")"
}

var (
	insertStoredInstances = insertStored("instances",
		"instance text, workflow text, created_at timestamptz, completed_at timestamptz, status text")

	// insertStoredEvents numbers the events in the order of the array, as insertEvents does.
	insertStoredEvents = insertStored("events", `instance text, workflow text, version bigint, type text, schema_version int, payload json,
    recorded_at timestamptz, commit_id bigint, cause json, status text, completes bool, parent json`)

	insertStoredKeys = insertStored("unique_keys", "instance text, workflow text, key text") +
		` ORDER BY workflow COLLATE "C", key COLLATE "C"`
)

// readStored reads every row of the instances $1, $2. Events, which are most of them, have columns of their own. Other rows are JSON, in which JSON
// itself is text, so that it stays as it is. It is one statement, so that it sees one moment. The first column of a row is its part, see
// storedPart. OFFSET 0 keeps the planner from making joins of the reads.
var readStored = `
SELECT k.number, r.*
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (instance, workflow, number)
CROSS JOIN LATERAL (
    SELECT 1, version, 0, type, global_sequence, schema_version, payload, recorded_at, commit_id, cause, coalesce(status, ''), completes IS TRUE, parent
    FROM (
        SELECT * FROM ironflow.events e WHERE e.instance = k.instance AND e.workflow = k.workflow AND e.commit_id > 0 OFFSET 0
    ) e
    UNION ALL
    SELECT 2, 0, 0, key, ` + storedAsJSON + `
    FROM (SELECT key FROM ironflow.unique_keys u WHERE u.instance = k.instance AND u.workflow = k.workflow OFFSET 0) t
    UNION ALL
    SELECT 3, version, position, '', ` + storedAsJSON + `
    FROM (
        SELECT version, position, kind, payload::text, due_at, attempts, token, commit_id, last_error, trace, died_at, told_at, blocked_since, limit_key,
               CASE WHEN died_at IS NULL THEN coalesce(claimed_at, parked_from, run_at) ELSE run_at END AS run_at
        FROM ironflow.effects q WHERE q.instance = k.instance AND q.workflow = k.workflow OFFSET 0
    ) t
    UNION ALL
    SELECT 4, 0, 0, key, ` + storedAsJSON + `
    FROM (
        SELECT version, key, kind, payload::text, due_at, attempts, token, commit_id, last_error, trace, died_at, told_at, blocked_since,
               CASE WHEN died_at IS NULL THEN coalesce(claimed_at, run_at) ELSE run_at END AS run_at
        FROM ironflow.timers q WHERE q.instance = k.instance AND q.workflow = k.workflow OFFSET 0
    ) t
    UNION ALL
    SELECT 5, 0, 0, input_id, ` + storedAsJSON + `
    FROM (
        SELECT input_id, outcome::text, recorded_at FROM ironflow.input_outcomes o
        WHERE o.instance = k.instance AND o.workflow = k.workflow OFFSET 0
    ) t
    UNION ALL
    SELECT 6, version, CASE WHEN queue = 'effects' THEN item::int ELSE 0 END, queue || ' ' || item, ` + storedAsJSON + `
    FROM (
        SELECT queue, version, item, kind, ending, ended_at, attempts, by_instance, by_workflow, by_version, reason
        FROM ironflow.ended_deliveries d WHERE d.instance = k.instance AND d.workflow = k.workflow OFFSET 0
    ) t
    UNION ALL
    SELECT 7, 0, 0, field, ` + storedAsJSON + `
    FROM (
        SELECT field, value FROM ironflow.search s WHERE s.instance = k.instance AND s.workflow = k.workflow AND s.value <> '' OFFSET 0
    ) t
) AS r (part, version, position, name, global_sequence, schema_version, columns, recorded_at, commit_id, cause, status, completes, parent)
ORDER BY k.number, r.part, r.version, r.position, r.name COLLATE "C"`

// readPayloads reads columns of a table for the instances $1, $2, each with the number of its instance. OFFSET 0 as in readStored.
func readPayloads(columns, table, more string) string {
	return `
SELECT k.number, t.*
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (instance, workflow, number)
CROSS JOIN LATERAL (
    SELECT ` + columns + ` FROM ironflow.` + table + ` t
    WHERE t.instance = k.instance AND t.workflow = k.workflow` + more + ` OFFSET 0
) t`
}

// storedAsJSON are the last columns of rows that are no events.
const storedAsJSON = `0, 0, row_to_json(t), timestamptz 'epoch', 0, NULL, '', false, NULL`
