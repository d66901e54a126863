package runtime_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// In a bubble the engine and its store have the time of the bubble, which passes as soon as all wait for it. With the default configuration, the
// engine does not poll a store in memory, so a month passes at once.
func TestSynctest(t *testing.T) {
	const month = 30 * 24 * time.Hour
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		notices := 0
		wf := tickets(ticket.Decider{
			OnOpen: opened(ticket.Notify{Text: "we look into it"}),
			OnNote: func(_ time.Time, _ ticket.State, in ticket.Note) ticket.NoteDecision {
				return ticket.AcceptNote(ticket.Noted{Text: in.Text}).StartTimer(ticket.TimerStale{}.In(month))
			},
		}, ticket.Handler{OnNotify: func(context.Context, ticket.Notify, runtime.EffectCall) error {
			notices++
			return nil
		}})
		memory := memory.New()
		engine, err := runtime.NewEngine(memory, runtime.Config{}, wf)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan error, 1)
		go func() { stopped <- engine.Run(ctx) }()
		for _, input := range []string{`{"type":"Open","id":"a","subject":"s"}`, `{"type":"Note","id":"a","text":"in a month"}`} {
			if out, err := engine.ExecuteDynamic(ctx, "ticket", []byte(input)); err != nil || !out.Accepted() {
				t.Fatalf("%s: got %+v, error %v", input, out, err)
			}
		}

		key := runtime.InstanceKey{Workflow: "ticket", ID: "a"}
		at := func(when time.Duration) store.InstanceSummary {
			time.Sleep(time.Until(start.Add(when)))
			synctest.Wait()
			i, err := memory.Summary(ctx, key)
			if err != nil {
				t.Fatal(err)
			}
			return i
		}
		if i := at(month - time.Minute); i.Version != 2 || i.Completed() {
			t.Errorf("before the timer fires: got %+v", i)
		}
		if i := at(month + time.Minute); i.Status != "closed" || i.LastEventAt.Sub(start) != month {
			t.Errorf("after the timer has fired: got %+v", i)
		}
		if notices != 1 {
			t.Errorf("%d notices were sent, want 1", notices)
		}
		for _, queue := range []string{"effects", "timers"} {
			if rows := memory.Rows(queue); len(rows) > 0 {
				t.Errorf("left in the queue: %v", rows)
			}
		}
		stop()
		if err := <-stopped; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("30 days took %v", took)
	} else {
		t.Logf("30 days took %v", took)
	}
}
