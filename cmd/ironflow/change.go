package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/ironflow-gen/ironflow/internal/plain"
	"github.com/ironflow-gen/ironflow/internal/terminal"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/transfer"
)

// Commands that change the store, and export.

var errNoFilter = &usageError{"say which dead letters: -group, -workflow, -kind, -queue or -error"}

func retry(ctx context.Context, k *call) (int, error) {
	return k.decide(ctx, "retried", func(filter store.DeadLetterFilter) (int, error) {
		if k.group != "" {
			return k.admin.RetryDeadLetterGroup(ctx, filter, k.group)
		}
		return k.admin.RetryDeadLettersWhere(ctx, filter)
	})
}

func discard(ctx context.Context, k *call) (int, error) {
	why := store.Discard{By: k.by, Reason: k.reason}
	return k.decide(ctx, "discarded", func(filter store.DeadLetterFilter) (int, error) {
		if k.group != "" {
			return k.admin.DiscardDeadLetterGroup(ctx, why, filter, k.group)
		}
		return k.admin.DiscardDeadLettersWhere(ctx, why, filter)
	})
}

// decide does something with the dead letters that the flags select. With -dry-run, it lists their groups instead.
func (k *call) decide(ctx context.Context, done string, do func(store.DeadLetterFilter) (int, error)) (int, error) {
	filter := k.deadFilter()
	if filter == (store.DeadLetterFilter{}) && k.group == "" {
		return exitOK, errNoFilter
	}
	if k.dryRun {
		return exitOK, k.listGroups(ctx, filter)
	}
	n, err := do(filter)
	fmt.Fprintf(k.out, "%s %d dead letters\n", done, n)
	return exitOK, err
}

// listGroups lists groups of dead letters.
func (k *call) listGroups(ctx context.Context, filter store.DeadLetterFilter) error {
	groups, err := k.admin.DeadLetterGroups(ctx, filter)
	if err != nil {
		return err
	}
	if k.group != "" {
		groups = slices.DeleteFunc(groups, func(g admin.DeadLetterGroup) bool { return g.ID != k.group })
	}
	if k.json {
		for _, g := range groups {
			g.Example.Payload = nil // it may be large, and nobody asked for it
			if err := k.print(g); err != nil {
				return err
			}
		}
		return nil
	}
	t := k.table("GROUP", "COUNT", "KIND", "OLDEST", "NEWEST", "EXAMPLE", "ERROR")
	for _, g := range groups {
		t.row(g.ID, fmt.Sprint(g.Count), g.Kind.String(), k.ago(g.Oldest), k.ago(g.Newest), g.Example.Lease.Instance.ID, g.Error)
	}
	t.end()
	return nil
}

func pause(ctx context.Context, k *call) (int, error) {
	return exitOK, k.admin.PauseWorkflow(ctx, store.Pause{Workflow: k.args[0], By: k.by, Reason: k.reason, RefuseInputs: k.refuse})
}

func resume(ctx context.Context, k *call) (int, error) {
	return exitOK, k.admin.ResumeWorkflow(ctx, k.args[0])
}

func forget(ctx context.Context, k *call) (int, error) {
	subject := store.ForgottenSubject{Subject: k.args[0], By: k.by, Reason: k.reason}
	before, err := k.admin.Subject(ctx, subject.Subject)
	if err != nil {
		return exitOK, err
	}
	had, err := k.admin.Forget(ctx, subject)
	switch {
	case err != nil:
		return exitOK, err
	case before.Forgotten != nil:
		fmt.Fprintf(k.out, "%s was forgotten %s by %s: %s\n", subject.Subject, k.at(before.Forgotten.At), before.Forgotten.By, before.Forgotten.Reason)
	case had:
		fmt.Fprintf(k.out, "%s is forgotten; all processes erase its values within 10 seconds\n", subject.Subject)
	default:
		fmt.Fprintf(k.out, "%s is forgotten; it had no key, so no personal value of it was stored encrypted\n", subject.Subject)
	}
	return exitOK, nil
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
		t.row(p.Name, mood(string(p.Status)), fmt.Sprint(p.Position), fmt.Sprint(p.Behind), plain.Short(p.Delay), p.Owner, p.LastError)
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
	shown := k.progress("exported", 0)
	if terminal.Is(k.out) { // the lines say it
		shown.to = nil
	}
	done, err := transfer.Export(ctx, k.store, measuredWriter{k.out, shown}, o)
	shown.end()
	fmt.Fprintf(k.errs, "ironflow: exported %d instances with %d events\n", done.Instances, done.Events)
	return exitOK, err
}

func importLines(ctx context.Context, k *call) (int, error) {
	o := transfer.ImportOptions{SkipExisting: k.skipExisting, WithoutDeliveries: k.withoutDeliveries}
	var total int64
	if file, is := k.in.(*os.File); is {
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			total = info.Size()
		}
	}
	shown := k.progress("read", total) // first to check the file, then to import it
	done, err := transfer.Import(ctx, k.store, measuredReader{k.in, shown}, o)
	shown.end()
	fmt.Fprintf(k.errs, "ironflow: imported %d instances with %d events, skipped %d\n", done.Instances, done.Events, done.Skipped)
	return exitOK, err
}
