//go:build unix

package main

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime"
)

// history is all events there were, of what is stored and of what retention has deleted. first tells the instances of one id apart.
const history = `
WITH history AS (
	SELECT instance, version, global_sequence, type, payload, first, completes FROM chaos.archived a
	WHERE NOT EXISTS (SELECT FROM ironflow.events e WHERE e.global_sequence = a.global_sequence)
	UNION ALL
	SELECT e.instance, e.version, e.global_sequence, e.type, e.payload, f.global_sequence, e.completes IS TRUE
	FROM ironflow.events e LEFT JOIN ironflow.events f ON f.instance = e.instance AND f.workflow = e.workflow AND f.version = 1
)`

// rules find what is wrong: each query returns a row, a text, for each violation.
var rules = []struct{ name, query string }{
	{"versions", `SELECT format('versions of %s from %s: %s events, up to %s', instance, first, count(*), max(version)) FROM history
		GROUP BY instance, first HAVING count(*) <> max(version) OR count(DISTINCT version) <> count(*) OR min(version) <> 1`},
	{"placeholders", `SELECT format('placeholder of %s, version %s', instance, version) FROM ironflow.events WHERE commit_id = 0`},
	{"completes", `SELECT format('%s from %s: completes is %s at version %s of %s', instance, first, completes, version, last)
		FROM (SELECT *, max(version) OVER (PARTITION BY instance, first) AS last FROM history) h
		WHERE completes <> (type = 'Finished') OR completes <> (version = last)`},
	{"tags", `SELECT format('%s with tag %s is %s times in the history', type, payload->>'tag', count(*)) FROM history
		WHERE type <> 'Finished' AND payload->>'tag' NOT LIKE 'end.%' GROUP BY type, payload->>'tag' HAVING count(*) > 1`},
	{"results", `SELECT format('%s of %s from %s with tag %s has %s results', a.payload->>'kind', a.instance, a.first, a.payload->>'tag', count(b.*))
		FROM history a LEFT JOIN history b ON b.instance = a.instance AND b.first = a.first AND b.payload->>'tag' = a.payload->>'tag'
		 AND b.type = CASE WHEN a.payload->>'kind' IN ('due', 'soon') THEN 'Tick' WHEN a.payload->>'kind' = 'child' THEN 'ChildDone' ELSE 'Answer' END
		WHERE a.type = 'Added' GROUP BY a.instance, a.first, a.payload->>'kind', a.payload->>'tag' HAVING count(b.*) <> 1`},
	{"errors of children", `SELECT format('child of %s with tag %s: %s', instance, payload->>'tag', payload->>'error') FROM history
		WHERE type = 'ChildDone' AND payload->>'error' <> ''`},
	{"sums", `SELECT format('sum of %s from %s is %s, of its events %s', instance, first,
			max((payload->>'sum')::bigint) FILTER (WHERE type = 'Finished'), sum((payload->>'amount')::bigint) FILTER (WHERE type = 'Added'))
		FROM history GROUP BY instance, first
		HAVING max((payload->>'sum')::bigint) FILTER (WHERE type = 'Finished')
			IS DISTINCT FROM coalesce(sum((payload->>'amount')::bigint) FILTER (WHERE type = 'Added'), 0)`},
	{"instances", `SELECT format('instance %s has a row: %s, events: %s', coalesce(i.instance, e.instance), i.instance IS NOT NULL, e.instance IS NOT NULL)
		FROM ironflow.instances i FULL JOIN (SELECT DISTINCT instance FROM ironflow.events) e USING (instance)
		WHERE i.instance IS NULL OR e.instance IS NULL`},
	{"deliveries", `SELECT format('effect %s of %s', kind, instance) FROM ironflow.effects
		UNION ALL SELECT format('timer %s of %s', key, instance) FROM ironflow.timers`},
	{"unique keys", `SELECT format('key %s of %s', key, instance) FROM ironflow.unique_keys`},
	{"outcomes of inputs", `SELECT format('input %s of %s', input_id, instance) FROM ironflow.input_outcomes GROUP BY input_id, instance HAVING count(*) > 1`},
	{"projection", `SELECT format('event %s is projected %s times', global_sequence, count(p.*)) FROM history LEFT JOIN chaos.projected p USING (global_sequence)
		GROUP BY global_sequence HAVING count(p.*) <> 1`},
	{"projected events", `SELECT format('projected event %s is not in the history', global_sequence) FROM chaos.projected p
		WHERE NOT EXISTS (SELECT FROM history h WHERE h.global_sequence = p.global_sequence)`},
	{"order of the projection", `SELECT format('event %s is projected after %s', global_sequence, previous)
		FROM (SELECT global_sequence, lag(global_sequence) OVER (ORDER BY n) AS previous FROM chaos.projected) p WHERE global_sequence < previous`},
	{"holders", `SELECT format('effect %s/%s of %s: token %s of %s at %s, while token %s of %s was leased until %s',
			a.version, a.position, a.instance, b.token, b.holder, b.claimed_at, a.token, a.holder, a.run_at)
		FROM chaos.handled a JOIN chaos.handled b USING (instance, version, position, commit_id)
		WHERE a.token < b.token AND b.claimed_at < a.run_at - interval '300 ms' AND coalesce(a.ended_at > b.claimed_at, true)`},
}

// check looks for violations in what the database holds.
func (r *run) check(ctx context.Context) error {
	for _, rule := range rules {
		rows, err := r.pool.Query(ctx, history+rule.query)
		if err != nil {
			return fmt.Errorf("%s: %w", rule.name, err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("%s: %w", rule.name, err)
		}
		for _, what := range found {
			r.violation("%s: %s", rule.name, what)
		}
	}
	for name, query := range map[string]string{
		"events":                      `SELECT count(*) FROM history`,
		"histories":                   `SELECT count(DISTINCT first) FROM history`,
		"histories deleted":           `SELECT count(DISTINCT first) FROM chaos.archived`,
		"ids that were created again": `SELECT count(*) FROM (SELECT FROM history GROUP BY instance HAVING count(DISTINCT first) > 1) i`,
		"handled under a lease":       `SELECT count(*) FROM chaos.handled WHERE token > 0`,
		"handled again":               `SELECT count(*) FROM chaos.handled WHERE token > 1`,
	} {
		var n int
		if err := r.pool.QueryRow(ctx, history+query).Scan(&n); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r.mu.Lock()
		r.counts[name] = n
		r.mu.Unlock()
	}
	if err := r.checkInputs(ctx); err != nil {
		return err
	}
	return r.checkFeed(ctx)
}

// checkInputs compares what was said of inputs with the history.
func (r *run) checkInputs(ctx context.Context) error {
	rows, err := r.pool.Query(ctx, history+`SELECT payload->>'tag' FROM history WHERE type IN ('Added', 'Opened', 'Closing')`)
	if err != nil {
		return err
	}
	tags, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	stored := make(map[string]bool)
	for _, tag := range tags {
		stored[tag] = true
	}
	if rows, err = r.pool.Query(ctx, `SELECT tag FROM chaos.within`); err != nil {
		return err
	}
	within, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, tag := range within {
		r.count("inputs within transactions committed")
		if !stored[tag] {
			r.violation("input %s: the transaction was committed, its event is missing", tag)
		}
	}
	for tag, o := range r.outcomes { // the workers have ended
		switch {
		case o.accepted > 0 && o.refused > 0:
			r.violation("input %s, %s of %s: accepted %d times and refused %d times", tag, o.input, o.instance, o.accepted, o.refused)
		case o.accepted > 0 && !stored[tag]:
			r.violation("input %s, %s of %s: acknowledged, and its event is missing", tag, o.input, o.instance)
		case o.refused > 0 && stored[tag]:
			r.violation("input %s, %s of %s: refused, and its event is stored", tag, o.input, o.instance)
		}
		name := "inputs without an answer"
		if o.accepted > 0 {
			name = "inputs accepted"
		} else if o.refused > 0 {
			name = "inputs refused"
		}
		r.count(name)
	}
	return nil
}

// checkFeed reads the feed from its beginning, and compares it with the events.
func (r *run) checkFeed(ctx context.Context) error {
	rows, err := r.pool.Query(ctx, `SELECT global_sequence FROM ironflow.events ORDER BY global_sequence`)
	if err != nil {
		return err
	}
	stored, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return err
	}
	var after runtime.FeedPosition
	for {
		page, err := r.engine.EventsSince(ctx, after, 500)
		if err != nil {
			return err
		}
		if len(page.Events) == 0 {
			break
		}
		for _, e := range page.Events {
			r.count("events read from the feed")
			if len(stored) == 0 || stored[0] != e.GlobalSequence {
				r.violation("feed: event %d in place of %v", e.GlobalSequence, stored[:min(1, len(stored))])
				return nil
			}
			stored, after = stored[1:], e.Position()
		}
	}
	if len(stored) > 0 {
		r.violation("feed: %d events are missing, the first is %d", len(stored), stored[0])
	}
	return nil
}

var instanceName = regexp.MustCompile(`\bs\d+(/[\w.]+)?`)

// histories adds the events of up to ten instances that violations name.
func (r *run) histories(ctx context.Context) error {
	named := make(map[string]bool)
	for _, v := range r.violations {
		for _, id := range instanceName.FindAllString(v, -1) {
			named[id] = true
		}
	}
	ids := slices.Sorted(maps.Keys(named))
	rows, err := r.pool.Query(ctx, history+`
		SELECT format('%s from %s, version %s, number %s: %s %s', instance, first, version, global_sequence, type, payload)
		FROM history WHERE instance = ANY ($1) ORDER BY instance, first, version`, ids[:min(10, len(ids))])
	if err != nil {
		return err
	}
	r.named, err = pgx.CollectRows(rows, pgx.RowTo[string])
	return err
}
