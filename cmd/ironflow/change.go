package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/transfer"
)

// Commands that change the store, and export.

var errNoFilter = &usageError{"say which dead letters: -workflow, -kind, -queue or -error"}

func retry(ctx context.Context, k *call) (int, error) {
	if k.deadFilter() == (store.DeadLetterFilter{}) {
		return exitOK, errNoFilter
	}
	n, err := k.admin.RetryDeadLettersWhere(ctx, k.deadFilter())
	fmt.Fprintf(k.out, "retried %d dead letters\n", n)
	return exitOK, err
}

func discard(ctx context.Context, k *call) (int, error) {
	switch {
	case k.deadFilter() == (store.DeadLetterFilter{}):
		return exitOK, errNoFilter
	case k.reason == "":
		return exitOK, &usageError{"discard needs -reason; the record of each dead letter will show it"}
	}
	n, err := k.admin.DiscardDeadLettersWhere(ctx, store.Discard{By: k.by, Reason: k.reason}, k.deadFilter())
	fmt.Fprintf(k.out, "discarded %d dead letters\n", n)
	return exitOK, err
}

func pause(ctx context.Context, k *call) (int, error) {
	return exitOK, k.admin.PauseWorkflow(ctx, store.Pause{Workflow: k.args[0], By: k.by, Reason: k.reason, RefuseInputs: k.refuse})
}

func resume(ctx context.Context, k *call) (int, error) {
	return exitOK, k.admin.ResumeWorkflow(ctx, k.args[0])
}

func projections(ctx context.Context, k *call) (int, error) {
	if len(k.args) == 0 {
		return exitOK, k.listProjections(ctx)
	}
	orders := map[string]func(context.Context, string) error{
		"pause": k.admin.PauseProjection, "resume": k.admin.ResumeProjection, "rebuild": k.admin.RebuildProjection,
	}
	order, known := orders[k.args[0]]
	switch {
	case !known && k.args[0] != "skip":
		return exitOK, &usageError{fmt.Sprintf("%q is not a change of a projection; the changes are pause, resume, rebuild and skip", k.args[0])}
	case known && len(k.args) != 2, !known && len(k.args) != 3:
		return exitOK, &usageError{"name the projection; for skip, also give the number of the event at which it has stopped"}
	case !k.write:
		return exitOK, &usageError{"this changes the store; add -write if you mean it"}
	case known:
		return exitOK, order(ctx, k.args[1])
	}
	event, err := strconv.ParseInt(k.args[2], 10, 64)
	if err != nil {
		return exitOK, &usageError{fmt.Sprintf("%q is not the number of an event", k.args[2])}
	}
	return exitOK, k.admin.SkipProjectionEvent(ctx, k.args[1], store.FeedPosition(event))
}

func (k *call) listProjections(ctx context.Context) error {
	all, err := k.admin.Projections(ctx)
	if err != nil || k.json {
		return errors.Join(err, k.print(all))
	}
	t := k.table("PROJECTION", "STATUS", "POSITION", "BEHIND", "DELAY", "OWNER", "LAST ERROR")
	for _, p := range all {
		t.row(p.Name, string(p.Status), fmt.Sprint(p.Position), fmt.Sprint(p.Behind), short(p.Delay), p.Owner, p.LastError)
	}
	t.end()
	return nil
}

func export(ctx context.Context, k *call) (int, error) {
	filter, err := k.filter()
	if err != nil {
		return exitOK, err
	}
	o := transfer.ExportOptions{Filter: filter}
	for _, arg := range k.args {
		key, err := instance(arg)
		if err != nil {
			return exitOK, err
		}
		o.Instances = append(o.Instances, key)
	}
	done, err := transfer.Export(ctx, k.store, k.out, o)
	fmt.Fprintf(k.errs, "ironflow: exported %d instances with %d events\n", done.Instances, done.Events)
	return exitOK, err
}

func importLines(ctx context.Context, k *call) (int, error) {
	o := transfer.ImportOptions{SkipExisting: k.skipExisting, WithoutDeliveries: k.withoutDeliveries}
	done, err := transfer.Import(ctx, k.store, k.in, o)
	fmt.Fprintf(k.errs, "ironflow: imported %d instances with %d events, skipped %d\n", done.Instances, done.Events, done.Skipped)
	return exitOK, err
}
