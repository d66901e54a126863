package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// verifier is an engine with the workflow ticket, whose evolver does something of its own with remarks, and its client.
func (b *bed) verifier(noted func(ticket.State, ticket.Noted) ticket.State) (*runtime.Engine, *ticket.Client) {
	b.Helper()
	config := b.realConfig()
	config.SnapshotEvery, config.DecideTimeout = 4, 500*time.Millisecond
	decider := ticket.Decider{
		OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
			return ticket.AcceptOpen(ticket.Opened{Subject: in.Subject}).Effect(ticket.Notify{Text: in.Subject}).
				StartTimer(ticket.TimerReminder{Input: ticket.Remind{Text: "look"}}.In(time.Hour))
		},
		OnNote: func(_ time.Time, _ ticket.State, in ticket.Note) ticket.NoteDecision {
			if in.Text == "no" {
				return ticket.RejectNote(ticket.Busy{Load: 3})
			}
			return ticket.AcceptNote(ticket.Noted{Text: in.Text})
		},
	}
	e, err := runtime.NewEngine(b.store, config, ticket.NewWorkflow(decider, ticket.Evolver{OnNoted: noted}, ticket.Handler{}))
	if err != nil {
		b.Fatal(err)
	}
	return e, ticket.NewClient(e)
}

// fillTickets stores open tickets with notes, the first of them solved.
func (b *bed) fillTickets(client *ticket.Client, n, notes int) {
	b.Helper()
	for i := range n {
		id := fmt.Sprint("t-", i)
		open, err := client.Open(b.Context(), ticket.Open{ID: id, Subject: id}, runtime.WithInputID("open"))
		must(b, open, err)
		for j := range notes {
			out, err := client.Note(b.Context(), ticket.Note{ID: id, Text: fmt.Sprint("note ", j)})
			must(b, out, err)
		}
	}
	if _, err := client.Note(b.Context(), ticket.Note{ID: "t-1", Text: "no"}, runtime.WithInputID("rejected")); err != nil {
		b.Fatal(err)
	}
	out, err := client.Solve(b.Context(), ticket.Solve{ID: "t-0"})
	must(b, out, err)
}

func (b *bed) verify(e *runtime.Engine, options runtime.VerifyOptions) telemetry.Verification {
	b.Helper()
	found, err := e.Verify(b.Context(), options)
	if err != nil {
		b.Fatal(err)
	}
	return found
}

func TestVerify(t *testing.T) {
	onStores(t, func(b *bed) {
		e, client := b.verifier(nil)
		b.fillTickets(client, 10, 6)
		b.eventuallyTable("count(*)", "snapshots", "", "10")
		b.unchanged(func() {
			found := b.verify(e, runtime.VerifyOptions{})
			want := telemetry.Verification{Instances: 10, Events: 71, Snapshots: 9, Effects: 10, Timers: 18, Outcomes: 11, Complete: true}
			found.Snapshots = min(found.Snapshots, 9) // that of the solved ticket may be there
			if !found.OK() || found.String() != want.String() {
				b.Errorf("got %s\nwant %s", &found, &want)
			}
		})
		if found := b.verify(e, runtime.VerifyOptions{Filter: runtime.InstanceFilter{Activity: runtime.OnlyCompleted}}); found.Instances != 1 || !found.OK() {
			b.Errorf("got %s", &found)
		}
	})
}

// Everything that the program cannot read, or leaves waiting, is found, counted and named.
func TestVerifyFinds(t *testing.T) {
	onStores(t, func(b *bed) {
		e, client := b.verifier(nil)
		b.fillTickets(client, 13, 6)
		b.eventuallyTable("count(*)", "snapshots", "WHERE instance IN ('t-8', 't-9')", "2")
		b.exec("UPDATE {p}events SET type = 'Forgotten' WHERE version = 3 AND instance IN ('t-1', 't-2')")
		b.exec(`UPDATE {p}events SET payload = '{"text":"SECRET","text":7}' WHERE version = 4 AND instance = 't-3'`)
		b.exec("UPDATE {p}events SET schema_version = 9 WHERE version = 2 AND instance = 't-4'")
		b.exec("UPDATE {p}effects SET kind = 'Telegram' WHERE instance = 't-5'")
		b.exec(`UPDATE {p}effects SET payload = '{"text":7}' WHERE instance = 't-6'`)
		b.exec("UPDATE {p}timers SET kind = 'Wake' WHERE instance = 't-7' AND kind = 'Remind'")
		b.exec(`UPDATE {p}timers SET payload = '{"text":7}' WHERE instance = 't-6' AND kind = 'Remind'`)
		b.exec("UPDATE {p}snapshots SET state = '{\"status\":\"open\",\"subject\":\"other\",\"agent\":\"\",\"notes\":null,\"reminders\":null}' WHERE instance = 't-8'")
		b.exec("UPDATE {p}snapshots SET state = '{\"status\":7}' WHERE instance = 't-9'")
		b.exec("UPDATE {p}events SET status = 'waiting' WHERE version = 7 AND instance = 't-10'")
		b.exec(`UPDATE {p}input_outcomes SET outcome = '{"outcome":"rejected","rejection":{"type":"Gone","payload":{}}}' WHERE input_id = 'open' AND instance = 't-11'`)
		b.exec("UPDATE {p}events SET type = 'Noted', payload = '{\"text\":\"x\"}' WHERE version = 8 AND instance = 't-0'")
		b.exec("UPDATE {p}events SET payload = '{}' WHERE version IN (6, 7) AND instance = 't-12'")
		b.exec("UPDATE {p}effects SET payload = '{}' WHERE instance = 't-12'")
		b.exec(`UPDATE {p}timers SET payload = '{"id":"t-12"}' WHERE instance = 't-12' AND kind = 'Remind'`)
		b.exec("INSERT INTO {p}instances (instance, workflow, created_at) SELECT 'x', 'other', created_at FROM {p}instances WHERE instance = 't-1'")
		b.exec(`INSERT INTO {p}events (instance, workflow, version, type, schema_version, payload, recorded_at, commit_id)
			SELECT 'x', 'other', 1, type, 1, payload, recorded_at, 7 FROM {p}events WHERE instance = 't-1' AND version = 1`)
		found := b.verify(e, runtime.VerifyOptions{Parallel: 3})
		for _, want := range []string{
			"unreadable history: ticket Forgotten: 2, as in ", "unreadable history: ticket Noted: 2, as in ", "orphaned effect: ticket Telegram: 1, as in \"t-5\"",
			"unreadable effect: ticket Notify: 1, as in \"t-6\"", "orphaned timer: ticket Wake: 1, as in \"t-7\"", "unreadable timer: ticket Remind: 1, as in \"t-6\"",
			"other snapshot: ticket: 1, as in \"t-8\"", "unreadable snapshot: ticket: 1, as in \"t-9\"", "other status: ticket waiting: 1, as in \"t-10\"",
			"unreadable outcome: ticket: 1, as in \"t-11\"", "other end: ticket: 1, as in \"t-0\"", "unknown workflow: other: 1, as in \"x\"",
			"missing field: ticket event Noted.text: 2, as in \"t-12\": it has no default, and is read as zero [IF3105]",
			"missing field: ticket effect Notify.text: 1, as in \"t-12\": it has no default, and is read as zero [IF3302]",
			"missing field: ticket input Remind.text: 1, as in \"t-12\": it has no default, and is read as zero [IF3304]",
			"[IF3101]", "[IF3601]", "[IF3201]", "[IF3301]", "[IF3303]", "[IF3402]", "[IF3403]",
		} {
			if !strings.Contains(found.String(), want) {
				b.Errorf("%q is missing", want)
			}
		}
		if found.OK() || !found.Complete || strings.Contains(found.String(), "SECRET") {
			b.Error("it is OK, not complete, or says what is secret")
		}
		if b.Failed() || len(found.Problems) != 16 { // the solved ticket has another status as well
			b.Errorf("got %d problems: %s", len(found.Problems), &found)
		}
	})
}

// A verification that ended early goes on where it ended.
func TestVerifyGoesOn(t *testing.T) {
	onStores(t, func(b *bed) {
		e, client := b.verifier(nil)
		b.fillTickets(client, 30, 1)
		b.exec(`INSERT INTO {p}instances (instance, workflow, created_at)
			WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2700)
			SELECT 'copy ' || n, i.workflow, i.created_at FROM n, {p}instances i WHERE i.instance = 't-5'`)
		b.exec(`INSERT INTO {p}events (instance, workflow, version, type, schema_version, payload, recorded_at, commit_id, status)
			SELECT i.instance, i.workflow, e.version, e.type, 1, e.payload, e.recorded_at, 7, e.status
			FROM {p}events e, {p}instances i WHERE i.instance LIKE 'copy %%' AND e.instance = 't-5'`)
		want := b.verify(e, runtime.VerifyOptions{})
		if want.Instances != 2730 || want.Events != 5461 || !want.OK() {
			b.Fatalf("got %s", &want)
		}
		ctx, cancel := context.WithCancel(b.Context())
		calls := 0
		first, err := e.Verify(ctx, runtime.VerifyOptions{Progress: func(so telemetry.Verification) {
			if calls++; calls == 2 {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) || first.Complete || first.Next == nil || first.Instances == 0 || first.Instances >= 2730 {
			b.Fatalf("got %s, next %v, error %v", &first, first.Next, err)
		}
		rest := b.verify(e, runtime.VerifyOptions{After: first.Next})
		first.Merge(&rest)
		if first.Complete = true; first.String() != want.String() {
			b.Errorf("got %s\nwant %s", &first, &want)
		}
		_, err = e.Verify(b.Context(), runtime.VerifyOptions{Progress: func(telemetry.Verification) { panic("no") }})
		wantError(b, err, "VerifyOptions.Progress panicked: no")
	})
}

// User code that panics or does not return is a problem of its instances, and the rest is verified.
func TestVerifyWithBadCode(t *testing.T) {
	onStores(t, func(b *bed) {
		_, client := b.verifier(nil)
		b.fillTickets(client, 5, 2)
		for kind, noted := range map[telemetry.ProblemKind]func(ticket.State, ticket.Noted) ticket.State{
			telemetry.UnreadableHistory: func(s ticket.State, e ticket.Noted) ticket.State {
				if s.Subject == "t-3" {
					panic("no")
				}
				return s
			},
			telemetry.StuckEvolver: func(s ticket.State, e ticket.Noted) ticket.State {
				if s.Subject == "t-3" {
					<-b.Context().Done()
				}
				return s
			},
		} {
			e, _ := b.verifier(noted)
			found := b.verify(e, runtime.VerifyOptions{})
			if len(found.Problems) != 1 || found.Problems[0].Kind != kind || found.Problems[0].Examples[0].ID != "t-3" || found.Instances != 5 {
				b.Errorf("%s: got %s", kind, &found)
			}
		}
	})
}

// An instance with more events than a batch has is read in pages.
func TestVerifyLarge(t *testing.T) {
	onStores(t, func(b *bed) {
		e, client := b.verifier(func(s ticket.State, _ ticket.Noted) ticket.State { return s })
		b.fillTickets(client, 2, 1)
		b.exec(`INSERT INTO {p}events (instance, workflow, version, type, schema_version, payload, recorded_at, commit_id, status)
			WITH RECURSIVE n (n) AS (SELECT 3 UNION ALL SELECT n + 1 FROM n WHERE n < 5000)
			SELECT 't-1', e.workflow, n, e.type, 1, e.payload, e.recorded_at, 7, e.status FROM n, {p}events e WHERE e.instance = 't-1' AND e.version = 2`)
		found := b.verify(e, runtime.VerifyOptions{})
		if !found.OK() || found.Events != 5003 || found.Effects != 2 || found.Timers != 2 {
			b.Errorf("got %s", &found)
		}
		b.exec("UPDATE {p}events SET type = 'Forgotten' WHERE version = 4000")
		b.exec("UPDATE {p}effects SET kind = 'Telegram' WHERE instance = 't-1'")
		found = b.verify(e, runtime.VerifyOptions{})
		if text := found.String(); !strings.Contains(text, "ticket Forgotten: 1") || !strings.Contains(text, "version 4000") || !strings.Contains(text, "Telegram: 1") {
			b.Errorf("got %s", text)
		}
	})
}

// A store without the abilities says so.
func TestVerifyUnsupported(t *testing.T) {
	t.Parallel()
	b := openFile(t)
	e, err := runtime.NewEngine(struct{ store.Store }{b.store}, b.realConfig(), ticket.NewWorkflow(ticket.Decider{}, ticket.Evolver{}, ticket.Handler{}))
	if err != nil {
		t.Fatal(err)
	}
	var unsupported *store.Unsupported
	if _, err := e.Verify(t.Context(), runtime.VerifyOptions{}); !errors.As(err, &unsupported) {
		t.Errorf("got error %v", err)
	}
}
