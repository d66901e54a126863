package main

import (
	"context"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// Commands that say what needs an operator.

func health(ctx context.Context, k *call) (int, error) {
	h, err := k.admin.Health(ctx)
	if err != nil {
		return exitStore, err
	}
	code := exitOK
	if len(h.Problems()) > 0 {
		code = exitFound
	}
	if k.json {
		return code, k.print(h)
	}
	t := k.table("QUEUE", "KIND", "DUE", "LEASED", "DELAYED", "BLOCKED", "DEAD", "OLDEST DUE")
	for _, q := range []struct {
		name  store.QueueName
		kinds []telemetry.KindHealth
	}{{store.EffectQueue, h.Effects.Kinds}, {store.TimerQueue, h.Timers.Kinds}} {
		for _, b := range q.kinds {
			t.row(string(q.name), b.Kind.String(), fmt.Sprint(b.Due), fmt.Sprint(b.Leased), fmt.Sprint(b.Delayed), fmt.Sprint(b.Blocked),
				fmt.Sprint(b.Dead), k.ago(b.OldestDue))
		}
	}
	t.end()
	fmt.Fprintf(k.out, "\nfeed: events up to %d can be read, the newest is %d\n", h.Feed.Settled, h.Feed.Newest)
	for _, p := range h.Projections {
		fmt.Fprintf(k.out, "projection %s: %s, %d events behind\n", oneLine(p.Name), p.Status, p.Behind)
	}
	for _, problem := range h.Problems() {
		fmt.Fprintln(k.out, k.paint(painted{red, "!"}), oneLine(problem.Text))
	}
	return code, nil
}

func stuck(ctx context.Context, k *call) (int, error) {
	query := admin.StuckQuery{Workflow: k.workflow, For: k.since, Limit: k.limit, Cursor: k.cursor}
	all := admin.StuckReport{}
	for {
		r, err := k.admin.Stuck(ctx, query)
		if err != nil {
			return exitOK, err
		}
		all.At, all.Looked, all.Next = r.At, all.Looked+r.Looked, r.Next
		all.Instances = append(all.Instances, r.Instances...)
		all.Kinds, all.Abandoned = append(all.Kinds, r.Kinds...), append(all.Abandoned, r.Abandoned...)
		all.Projections = append(all.Projections, r.Projections...)
		if query.Cursor = r.Next; r.Next == "" || len(all.Instances) >= k.limit {
			break
		}
	}
	code := exitOK
	if !all.Empty() {
		code = exitFound
	}
	if k.json {
		return code, k.print(all)
	}
	for _, s := range all.Kinds {
		fmt.Fprintf(k.out, "%s %s: %s\n", s.Queue, s.Kind, oneLine(s.Reason))
	}
	for _, l := range all.Abandoned {
		fmt.Fprintln(k.out, oneLine(l.String()))
	}
	for _, s := range all.Projections {
		fmt.Fprintf(k.out, "projection %s: %s\n", oneLine(s.Name), oneLine(s.Reason))
	}
	if len(all.Instances) > 0 {
		t := k.table("INSTANCE", "STATUS", "LAST EVENT", "REASON")
		for _, s := range all.Instances {
			t.row(s.Key.String(), s.Status, k.ago(s.LastEventAt), s.Reason)
		}
		t.end()
	}
	if all.Empty() {
		fmt.Fprintf(k.out, "nothing is stuck; %d active instances were checked\n", all.Looked)
	}
	k.more(all.Next)
	return code, nil
}
