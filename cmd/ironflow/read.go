package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// Commands that read.

func (k *call) filter() (store.InstanceFilter, error) {
	f := store.InstanceFilter{Workflow: k.workflow, Status: k.status}
	switch {
	case k.active && k.completed:
		return f, &usageError{"-active and -completed together select nothing"}
	case k.active:
		f.Activity = store.OnlyActive
	case k.completed:
		f.Activity = store.OnlyCompleted
	}
	return f, nil
}

func list(ctx context.Context, k *call) (int, error) {
	filter, err := k.filter()
	if err != nil {
		return exitOK, err
	}
	page, err := k.admin.Instances(ctx, admin.InstanceQuery{InstanceFilter: filter, Limit: k.limit, Cursor: k.cursor})
	if err != nil {
		return exitOK, err
	}
	return k.instances(page)
}

// instances prints a page of instances.
func (k *call) instances(page admin.Page[store.InstanceSummary]) (int, error) {
	if k.json {
		for _, i := range page.Items {
			if err := k.print(i); err != nil {
				return exitOK, err
			}
		}
		k.looked(page)
		return exitOK, nil
	}
	t := k.table("INSTANCE", "STATUS", "VERSION", "CREATED", "LAST EVENT", "COMPLETED")
	for _, i := range page.Items {
		t.row(i.Key.String(), i.Status, fmt.Sprint(i.Version), k.ago(i.CreatedAt), k.ago(i.LastEventAt), k.ago(i.CompletedAt))
	}
	t.end()
	k.looked(page)
	return exitOK, nil
}

// looked says where a page of instances goes on, and whether the page ended early.
func (k *call) looked(page admin.Page[store.InstanceSummary]) {
	if page.Looked > 0 {
		fmt.Fprintf(k.errs, "ironflow: the list is not complete: %d instances were checked so far\n", page.Looked)
	}
	k.more(page.Next)
}

func findInstances(ctx context.Context, k *call) (int, error) {
	query := admin.FindQuery{Workflow: k.workflow, Limit: k.limit, Cursor: k.cursor}
	switch {
	case k.byKey && k.byID:
		return exitOK, &usageError{"-key and -id exclude each other"}
	case k.byKey:
		query.UniqueKey = k.args[0]
	case k.byID:
		query.IDPrefix = k.args[0]
	default:
		var found bool
		if query.Field, query.Value, found = strings.Cut(k.args[0], "="); !found {
			return exitOK, &usageError{fmt.Sprintf("%q has no =; write FIELD=VALUE, or add -key or -id", k.args[0])}
		}
	}
	page, err := k.admin.Find(ctx, query)
	if err != nil {
		return exitOK, err
	}
	if len(page.Items) == 0 {
		fmt.Fprintln(k.errs, "ironflow: no instance was found")
		return exitFound, nil
	}
	return k.instances(page)
}

func count(ctx context.Context, k *call) (int, error) {
	filter, err := k.filter()
	if err != nil {
		return exitOK, err
	}
	if k.newest != 0 {
		if filter != (store.InstanceFilter{Workflow: k.workflow}) || k.workflow == "" {
			return exitOK, &usageError{"-newest needs -workflow, and no other filter"}
		}
		return k.countNewest(ctx)
	}
	counts, err := k.admin.CountInstances(ctx, filter)
	if err != nil || k.json {
		if err == nil {
			err = k.print(counts)
		}
		return exitOK, err
	}
	t := k.table("WORKFLOW", "STATUS", "", "COUNT")
	for _, c := range counts {
		t.row(c.Workflow, c.Status, mood(map[bool]string{true: "completed", false: "active"}[c.Completed]), fmt.Sprint(c.Count))
	}
	t.row("all", "", "", fmt.Sprint(counts.Total()))
	t.end()
	return exitOK, nil
}

// countNewest counts the newest instances of a workflow. What was not counted is "or more".
func (k *call) countNewest(ctx context.Context) (int, error) {
	newest, err := k.admin.CountNewest(ctx, k.workflow, k.newest)
	if err != nil || k.json {
		if err == nil {
			err = k.print(newest)
		}
		return exitOK, err
	}
	t := k.table("WORKFLOW", "STATUS", "", "COUNT")
	for _, c := range newest.Counts {
		activity, more := "active", newest.MoreActive
		if c.Completed {
			activity, more = "completed", newest.MoreCompleted
		}
		number := fmt.Sprint(c.Count)
		if more {
			number += " or more"
		}
		t.row(c.Workflow, c.Status, mood(activity), number)
	}
	t.end()
	return exitOK, nil
}

func show(ctx context.Context, k *call) (int, error) {
	key, err := instance(k.args[0])
	if err != nil {
		return exitOK, err
	}
	r, err := k.admin.Inspect(ctx, key)
	switch {
	case err != nil:
		return exitOK, err
	case k.json:
		return exitOK, k.print(r)
	case k.dot:
		fmt.Fprint(k.out, r.DOT())
		return exitOK, nil
	}
	line := func(title, text string) {
		if text != "" {
			fmt.Fprintf(k.out, "%-11s %s\n", title, oneLine(text))
		}
	}
	line("instance", r.Key.String())
	line("status", r.Status)
	line("version", fmt.Sprint(r.Version))
	line("created", k.at(r.CreatedAt))
	line("last event", k.at(r.LastEventAt))
	line("completed", k.at(r.CompletedAt))
	if r.Paused != nil {
		line("paused", fmt.Sprintf("the workflow, %s by %s: %s", k.at(r.Paused.At), r.Paused.By, r.Paused.Reason))
	}
	known, err := k.admin.Workflow(ctx, key.Workflow)
	if err != nil {
		return exitOK, err
	}
	for _, a := range r.Accepts {
		if known != nil && slices.Contains(known.Operator, a.Input) {
			a.Input += ", from operators only"
		}
		line("accepts", a.Input)
	}
	if len(r.Effects)+len(r.Timers) > 0 {
		newline(k.out)
		t := k.table("WAITS", "KIND", "STATE", "WHEN", "ATTEMPTS", "HOLDER", "LAST ERROR")
		for _, w := range append(r.Effects, r.Timers...) {
			when := w.RunAt
			if !w.DiedAt.IsZero() {
				when = w.DiedAt
			}
			t.row(string(w.Lease.Queue), w.Kind.Name, mood(string(w.StateAt(r.At))), k.ago(when), fmt.Sprint(w.Attempts), w.Holder, w.LastError)
		}
		t.end()
	}
	return exitOK, nil
}

// at is a time with how long ago it was.
func (k *call) at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano) + ", " + k.ago(t)
}

func history(ctx context.Context, k *call) (int, error) {
	key, err := instance(k.args[0])
	if err != nil {
		return exitOK, err
	}
	events, err := k.admin.History(ctx, key, k.after, k.limit)
	if err != nil {
		return exitOK, err
	}
	if k.json {
		for i := range events {
			if err := k.print(k.eventLine(&events[i])); err != nil {
				return exitOK, err
			}
		}
		return exitOK, nil
	}
	t := k.table("VERSION", "EVENT", "RECORDED", "", "PAYLOAD")
	for i := range events {
		e := &events[i]
		t.row(fmt.Sprint(e.Version), e.Type, e.RecordedAt.UTC().Format(time.RFC3339), k.ago(e.RecordedAt), k.payloadOf(e))
	}
	t.end()
	return exitOK, nil
}

// eventLine is an event as history and watch print it for programs.
type eventLine struct {
	Version        int64           `json:"version"`
	GlobalSequence int64           `json:"global_sequence"`
	Type           string          `json:"type"`
	SchemaVersion  int             `json:"schema_version"`
	RecordedAt     time.Time       `json:"recorded_at"`
	Payload        json.RawMessage `json:"payload,omitempty"`
}

func (k *call) eventLine(e *store.StoredEvent) eventLine {
	line := eventLine{Version: e.Version, GlobalSequence: e.GlobalSequence, Type: e.Type, SchemaVersion: e.SchemaVersion, RecordedAt: e.RecordedAt}
	if k.payload {
		line.Payload = e.Payload
	}
	return line
}

// payloadOf returns the payload of an event if it is to be printed.
func (k *call) payloadOf(e *store.StoredEvent) string {
	if !k.payload {
		return ""
	}
	return string(e.Payload)
}

func watch(ctx context.Context, k *call) (int, error) {
	key, err := instance(k.args[0])
	if err != nil {
		return exitOK, err
	}
	for e, err := range k.admin.Follow(ctx, key, k.after) {
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return exitFound, fmt.Errorf("%s has not completed: %w", oneLine(key.String()), err)
		case errors.Is(err, context.Canceled): // the user has seen enough
			return exitOK, nil
		case err != nil:
			return exitOK, err
		case k.json:
			err = k.print(k.eventLine(&e))
		default:
			_, err = fmt.Fprintln(k.out, strings.TrimRight(fmt.Sprintf("%s  %6d  %-24s  %s", e.RecordedAt.UTC().Format(time.RFC3339Nano), e.Version,
				oneLine(e.Type), oneLine(k.payloadOf(&e))), " "))
		}
		if err != nil {
			return exitOK, err
		}
	}
	return exitOK, nil
}

func why(ctx context.Context, k *call) (int, error) {
	explanation, err := k.explain(ctx)
	if err != nil || k.json {
		if err == nil {
			err = k.print(explanation)
		}
		return exitOK, err
	}
	fmt.Fprint(k.out, explanation)
	return exitOK, nil
}

func (k *call) explain(ctx context.Context) (*telemetry.Explanation, error) {
	key, err := instance(k.args[0])
	if err != nil {
		return nil, err
	}
	if len(k.args) == 2 {
		version, err := strconv.ParseInt(k.args[1], 10, 64)
		if err != nil {
			return nil, &usageError{fmt.Sprintf("%q is not a version; a version is the number of an event, see \"ironflow history\"", k.args[1])}
		}
		return k.admin.Why(ctx, key, version)
	}
	summary, err := k.admin.Inspect(ctx, key)
	if err == nil {
		return k.admin.Why(ctx, key, summary.Version)
	}
	if lease, wrong := admin.ParseIdempotencyKey(k.args[0]); wrong == nil && is[*store.UnknownInstance](err) {
		return k.admin.WhyDelivery(ctx, lease)
	}
	return nil, err
}

func (k *call) deadFilter() store.DeadLetterFilter {
	f := store.DeadLetterFilter{Workflow: k.workflow, Kind: k.kind, Queue: store.QueueName(k.queue), ErrorContains: k.contains}
	if k.told {
		f.Told = store.OnlyTold
	}
	return f
}

func dead(ctx context.Context, k *call) (int, error) {
	if k.groups {
		return exitOK, k.listGroups(ctx, k.deadFilter())
	}
	page, err := k.admin.DeadLetters(ctx, admin.DeadLetterQuery{DeadLetterFilter: k.deadFilter(), Limit: k.limit, Cursor: k.cursor})
	if err != nil {
		return exitOK, err
	}
	if k.json {
		for _, d := range page.Items {
			d.Payload = nil // it may be large, and nobody asked for it
			if err := k.print(d); err != nil {
				return exitOK, err
			}
		}
		k.more(page.Next)
		return exitOK, nil
	}
	t := k.table("DIED", "INSTANCE", "KIND", "VERSION", "ATTEMPTS", "ERROR")
	for _, d := range page.Items {
		t.row(k.ago(d.DiedAt), d.Lease.Instance.String(), d.Kind.Name, fmt.Sprint(d.Lease.Version), fmt.Sprint(d.Attempts), d.Error)
	}
	t.end()
	k.more(page.Next)
	return exitOK, nil
}

func programs(ctx context.Context, k *call) (int, error) {
	all, err := k.admin.Programs(ctx)
	if err != nil {
		return exitOK, err
	}
	if k.json {
		for _, p := range all {
			if err := k.print(p); err != nil {
				return exitOK, err
			}
		}
		return exitOK, nil
	}
	t := k.table("PROCESS", "", "VERSION", "STARTED", "SEEN", "WORKFLOWS")
	for _, p := range all {
		names := ""
		for _, w := range p.Manifest.Workflows {
			names += " " + w.Name
		}
		state := "runs"
		switch {
		case !p.StoppedAt.IsZero():
			state = "stopped"
		case !p.Running:
			state = "died"
		}
		t.row(p.Process, mood(state), p.Version, k.ago(p.StartedAt), k.ago(p.SeenAt), names)
	}
	t.end()
	for _, s := range admin.Skews(all) {
		fmt.Fprintf(k.out, "\nworkflow %s differs between %s, which is newer, and %s:\n", oneLine(s.Workflow), oneLine(s.Newer.Process), oneLine(s.Older.Process))
		t := k.table("CLASS", "DIFFERENCE", "WHILE BOTH RUN")
		for _, d := range s.Differences {
			t.row(string(d.Class), d.What, d.Means)
		}
		t.end()
	}
	return exitOK, nil
}
