package admin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/transfer"
)

// audits returns the audit log, the oldest record first.
func audits(t *testing.T, a *admin.Admin, f store.AuditFilter) (lines []string) {
	t.Helper()
	for query := (admin.AuditQuery{AuditFilter: f, Limit: 2}); ; {
		page, err := a.Audit(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Items {
			lines = append(lines, fmt.Sprintf("%s: %s %s %s, %d, %s", r.By, r.Operation, r.Workflow, r.Target, r.Count, r.Reason))
			if r.ID == "" || time.Since(r.At) > time.Minute || r.EndedAt.Before(r.At) {
				t.Errorf("got %+v", r)
			}
		}
		if query.Cursor = page.Next; page.Next == "" {
			slices.Reverse(lines)
			return lines
		}
	}
}

// Each change on request is recorded once, with who, why and how much; what fails or changes nothing is not.
func TestAudit(t *testing.T) {
	onStores(t, func(t *testing.T, st store.Store) {
		handler := ticket.Handler{OnNotify: func(context.Context, ticket.Notify, runtime.EffectCall) error {
			return runtime.Permanent(errors.New("no such address"))
		}}
		engine, stop := run(t, st, "web-1", tickets(held(ticket.Notify{Text: "hello"}), handler))
		const n = 5
		for i := range n {
			open(t, engine, fmt.Sprint("t-", i))
		}
		a, err := admin.New(st, admin.Config{Logger: quiet, By: "console"})
		if err != nil {
			t.Fatal(err)
		}
		var letters []store.DeadLetter
		eventually(t, "the effects are dead", func() bool {
			page, err := a.DeadLetters(t.Context(), admin.DeadLetterQuery{})
			if err != nil {
				t.Fatal(err)
			}
			letters = page.Items
			return len(letters) == n
		})
		stop()

		ctx := store.WithOperator(t.Context(), store.Operator{By: "ann", Reason: "the bank is back"})
		filter := store.DeadLetterFilter{Workflow: "ticket", ErrorContains: "address"}
		if gone, err := a.RetryDeadLetters(ctx, letters[0].Lease); err != nil || len(gone) > 0 {
			t.Fatalf("gone %v, error %v", gone, err)
		}
		if gone, err := a.RetryDeadLetters(ctx, letters[0].Lease); err != nil || len(gone) != 1 { // it is none any more
			t.Fatalf("gone %v, error %v", gone, err)
		}
		if gone, err := a.DiscardDeadLetters(ctx, store.Discard{By: "bob", Reason: "too late"}, letters[1].Lease); err != nil || len(gone) > 0 {
			t.Fatalf("gone %v, error %v", gone, err)
		}
		if done, err := a.RetryDeadLettersWhere(ctx, filter); err != nil || done != 3 {
			t.Fatalf("retried %d, error %v", done, err)
		}
		if err := a.PauseWorkflow(ctx, store.Pause{Workflow: "ticket", Reason: "fire"}); err != nil {
			t.Fatal(err)
		}
		if err := a.ResumeWorkflow(t.Context(), "ticket"); err != nil {
			t.Fatal(err)
		}
		if err := a.ResumeWorkflow(ctx, "ticket"); err != nil { // it is not paused
			t.Fatal(err)
		}
		if err := a.PauseWorkflow(ctx, store.Pause{Workflow: "unknown"}); err == nil {
			t.Error("an unknown workflow is paused")
		}
		if err := engine.PauseWorkflow(t.Context(), store.Pause{Workflow: "ticket"}); err != nil {
			t.Fatal(err)
		}
		var lines bytes.Buffer
		if _, err := transfer.Export(ctx, st, &lines, transfer.ExportOptions{}); err != nil {
			t.Fatal(err)
		}
		lines2 := bytes.ReplaceAll(lines.Bytes(), []byte(`"t-`), []byte(`"u-`))
		if done, err := transfer.Import(ctx, st, bytes.NewReader(lines2), transfer.ImportOptions{WithoutDeliveries: true}); err != nil || done.Instances != n {
			t.Fatalf("imported %+v, error %v", done, err)
		}
		want := []string{
			"ann: retry ticket " + letters[0].Lease.Instance.ID + ", 1, the bank is back",
			"bob: discard ticket " + letters[1].Lease.Instance.ID + ", 1, too late",
			`ann: retry ticket error "address", 3, the bank is back`,
			"ann: pause ticket , 1, fire",
			"console: resume ticket , 1, ",
			"web-1: pause ticket , 1, ",
			"ann: import  , 5, the bank is back",
		}
		if got := audits(t, a, store.AuditFilter{}); !slices.Equal(got, want) {
			t.Errorf("\n got %q\nwant %q", got, want)
		}
		if got := audits(t, a, store.AuditFilter{By: "ann", Operation: store.OpPause}); !slices.Equal(got, want[3:4]) {
			t.Errorf("got %q", got)
		}
		for _, wrong := range []context.Context{store.WithOperator(ctx, store.Operator{By: "\x00"}), store.WithOperator(ctx, store.Operator{Reason: "\xff"})} {
			if err := a.ResumeWorkflow(wrong, "ticket"); err == nil {
				t.Error("an operator that cannot be stored resumes")
			}
			if _, err := a.RetryDeadLettersWhere(wrong, filter); err == nil {
				t.Error("an operator that cannot be stored retries")
			}
		}
	})
}

// Dead letters of one kind whose errors differ in numbers and ids only are one group, which is retried or discarded by itself.
func TestDeadLetterGroups(t *testing.T) {
	onStores(t, func(t *testing.T, st store.Store) {
		handler := ticket.Handler{OnNotify: func(_ context.Context, e ticket.Notify, call runtime.EffectCall) error {
			if call.Instance.ID >= "t-3" {
				return runtime.Permanent(fmt.Errorf("mailbox of %s is full", call.Instance.ID))
			}
			return runtime.Permanent(fmt.Errorf("dial tcp 10.0.0.%d:25: connection refused", len(call.Instance.ID)))
		}}
		engine, stop := run(t, st, "web-1", tickets(held(ticket.Notify{Text: "hello"}), handler))
		for i := range 5 {
			open(t, engine, fmt.Sprint("t-", i))
		}
		a, ctx := newAdmin(t, st, 0), store.WithOperator(t.Context(), store.Operator{By: "ann", Reason: "why not"})
		var groups []admin.DeadLetterGroup
		count := func() (n int64) {
			var err error
			if groups, err = a.DeadLetterGroups(ctx, store.DeadLetterFilter{}); err != nil {
				t.Fatal(err)
			}
			for _, g := range groups {
				n += g.Count
			}
			return n
		}
		eventually(t, "the effects are dead", func() bool { return count() == 5 })
		stop()
		if len(groups) != 2 || groups[0].Count != 3 || groups[0].Error != "effect Notify: dial tcp *: connection refused" || groups[0].Kind.Name != "Notify" ||
			groups[1].Count != 2 || groups[1].Error != "effect Notify: mailbox of * is full" || groups[1].Oldest.After(groups[1].Newest) || admin.GroupOf(groups[1].Example) != groups[1].ID {
			t.Fatalf("got %+v", groups)
		}
		refused, mailbox := groups[0].ID, groups[1].ID
		if n, err := a.RetryDeadLetterGroup(ctx, store.DeadLetterFilter{Kind: "FindAgent"}, refused); err != nil || n != 0 {
			t.Errorf("of another kind: %d, error %v", n, err)
		}
		if _, err := a.RetryDeadLetterGroup(ctx, store.DeadLetterFilter{}, ""); err == nil {
			t.Error("no group is retried")
		}
		if n, err := a.DiscardDeadLetterGroup(ctx, store.Discard{}, store.DeadLetterFilter{}, mailbox); err != nil || n != 2 {
			t.Errorf("discarded %d, error %v", n, err)
		}
		if n, err := a.RetryDeadLetterGroup(ctx, store.DeadLetterFilter{Workflow: "ticket"}, refused); err != nil || n != 3 {
			t.Errorf("retried %d, error %v", n, err)
		}
		if count() != 0 {
			t.Errorf("left are %+v", groups)
		}
		want := []string{"ann: discard  group " + mailbox + ", 2, why not", "ann: retry ticket group " + refused + ", 3, why not"}
		if got := audits(t, a, store.AuditFilter{}); !slices.Equal(got, want) {
			t.Errorf("\n got %q\nwant %q", got, want)
		}
	})
}
