package transfer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/internal/pgserver/pgschema"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/transfer"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

func TestMain(m *testing.M) { os.Exit(pgserver.Main(m)) }

var stores = map[string]func(t *testing.T) store.Store{
	"memory": func(*testing.T) store.Store { return memory.New() },
	"sqlite": func(t *testing.T) store.Store {
		s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	},
	"postgres": func(t *testing.T) store.Store {
		schema := pgschema.Borrow(t)
		config, err := pgxpool.ParseConfig(pgserver.URL(t))
		if err != nil {
			t.Fatal(err)
		}
		config.MaxConns = 6
		pgschema.Use(config, schema)
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		s, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema))
		if err != nil {
			t.Fatal(err)
		}
		return s
	},
}

// effects are what the handler of an engine was asked for.
type effects struct{ keys chan string }

func engine(t *testing.T, st store.Store) (*runtime.Engine, *ticket.Client, effects) {
	t.Helper()
	asked := effects{make(chan string, 100)}
	decider := ticket.Decider{
		OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
			return ticket.AcceptOpen(ticket.Opened{Subject: in.Subject}).
				Effect(ticket.Notify{Text: "opened " + in.Subject}, ticket.FindAgent{Subject: in.Subject}).
				StartTimer(ticket.TimerReminder{Input: ticket.Remind{Text: "look"}}.In(time.Hour))
		},
		OnNote: func(_ time.Time, _ ticket.State, in ticket.Note) ticket.NoteDecision {
			if in.Text == "" {
				return ticket.RejectNote(ticket.Busy{Load: 7})
			}
			return ticket.AcceptNote(ticket.Noted{Text: in.Text})
		},
	}
	handler := ticket.Handler{
		OnNotify: func(_ context.Context, e ticket.Notify, call runtime.EffectCall) error {
			asked.keys <- call.IdempotencyKey + " " + e.Text
			return nil
		},
	}
	e, err := runtime.NewEngine(st, runtime.Config{}, ticket.NewWorkflow(decider, ticket.Evolver{}, handler))
	if err != nil {
		t.Fatal(err)
	}
	return e, ticket.NewClient(e), asked
}

// fill stores three tickets: one with all that an instance can have, one that is solved, and one with a long history.
func fill(t *testing.T, client *ticket.Client) {
	t.Helper()
	ctx := t.Context()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(client.Open(ctx, ticket.Open{ID: "open", Subject: "<printer> & \u2028 é"}, runtime.WithInputID("i-1")))
	must(client.Note(ctx, ticket.Note{ID: "open", Text: "a \"quoted\" note"}))
	must(client.Note(ctx, ticket.Note{ID: "open"}, runtime.WithInputID("i-2"))) // rejected
	must(client.Open(ctx, ticket.Open{ID: "solved", Subject: "paper"}))
	must(client.Solve(ctx, ticket.Solve{ID: "solved"}))
	must(client.Open(ctx, ticket.Open{ID: "long", Subject: "screen"}))
	for i := range 300 {
		must(client.Note(ctx, ticket.Note{ID: "long", Text: fmt.Sprint("note ", i)}))
	}
}

func export(t *testing.T, st store.Store, options transfer.ExportOptions) string {
	t.Helper()
	var out bytes.Buffer
	if _, err := transfer.Export(t.Context(), st, &out, options); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// What was moved to another store is the same there, and goes on.
func TestMove(t *testing.T) {
	t.Parallel()
	for from, openFrom := range stores {
		for to, openTo := range stores {
			t.Run(from+" to "+to, func(t *testing.T) {
				t.Parallel()
				source, target := openFrom(t), openTo(t)
				_, client, _ := engine(t, source)
				fill(t, client)
				text := export(t, source, transfer.ExportOptions{})
				done, err := transfer.Import(t.Context(), target, strings.NewReader(text), transfer.ImportOptions{})
				if want := (transfer.Imported{Instances: 3, Events: 305}); err != nil || done != want {
					t.Fatalf("got %+v, error %v, want %+v", done, err, want)
				}
				if again := export(t, target, transfer.ExportOptions{}); again != text {
					t.Errorf("exported again:\n%s\nwant:\n%s", again, text)
				}
				goesOn(t, target)
			})
		}
	}
}

func goesOn(t *testing.T, st store.Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	e, client, asked := engine(t, st)
	view, err := client.State(ctx, "open")
	if want := []string{"a \"quoted\" note"}; err != nil || view.Version != 2 || !slices.Equal(view.State.Notes, want) || view.State.Status != ticket.StatusOpen {
		t.Errorf("got %+v, error %v", view, err)
	}
	// A repeated input has its first outcome.
	again, err := client.Open(ctx, ticket.Open{ID: "open", Subject: "<printer> & \u2028 é"}, runtime.WithInputID("i-1"))
	if err != nil || !again.Accepted() || again.Version != 1 {
		t.Errorf("the repeated input: got %v, error %v", again, err)
	}
	note, err := client.Note(ctx, ticket.Note{ID: "open"}, runtime.WithInputID("i-2"))
	if err != nil || note.Rejection != (ticket.Busy{Load: 7}) {
		t.Errorf("the repeated rejected input: got %v, error %v", note, err)
	}
	var held *store.UniqueKeyConflict
	if _, err := client.Open(ctx, ticket.Open{ID: "other", Subject: "screen"}); !errors.As(err, &held) || held.Holder != "long" {
		t.Errorf("the unique key: got error %v", err)
	}
	if late, err := client.Note(ctx, ticket.Note{ID: "solved", Text: "late"}); err != nil || !late.AlreadyCompleted() {
		t.Errorf("the solved ticket: got %v, error %v", late, err)
	}
	run, stop := context.WithCancel(ctx)
	ran := make(chan error, 1)
	go func() { ran <- e.Run(run) }()
	got := make([]string, 3)
	for i := range got {
		select {
		case got[i] = <-asked.keys:
		case <-ctx.Done():
			t.Fatal("the effects are not handled")
		}
	}
	slices.Sort(got)
	want := []string{
		"ticket/long/1/0 opened screen", "ticket/open/1/0 opened <printer> & \u2028 é", "ticket/solved/1/0 opened paper",
	}
	if !slices.Equal(got, want) {
		t.Errorf("handled %q, want %q", got, want)
	}
	for view.State.Agent != "ann" && ctx.Err() == nil {
		view, err = client.State(ctx, "open")
	}
	if err != nil {
		t.Error(err)
	}
	stop()
	if err := <-ran; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestWithoutDeliveries(t *testing.T) {
	t.Parallel()
	source, target := memory.New(), memory.New()
	_, client, _ := engine(t, source)
	fill(t, client)
	text := export(t, source, transfer.ExportOptions{})
	_, err := transfer.Import(t.Context(), target, strings.NewReader(text), transfer.ImportOptions{WithoutDeliveries: true})
	if n := len(target.Rows("effects")) + len(target.Rows("timers")); err != nil || n > 0 || len(target.Rows("events")) != 305 {
		t.Errorf("there are %d deliveries and %d events, error %v", n, len(target.Rows("events")), err)
	}
}

func TestSelect(t *testing.T) {
	t.Parallel()
	st := memory.New()
	_, client, _ := engine(t, st)
	fill(t, client)
	ids := func(text string) (ids []string) {
		for r, err := range transfer.Read(strings.NewReader(text)) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, r.Key.ID)
		}
		return ids
	}
	solved := store.InstanceKey{Workflow: "ticket", ID: "solved"}
	if got := ids(export(t, st, transfer.ExportOptions{Instances: []store.InstanceKey{solved}})); !slices.Equal(got, []string{"solved"}) {
		t.Errorf("got %v", got)
	}
	active := transfer.ExportOptions{Filter: store.InstanceFilter{Activity: store.OnlyActive}}
	if got := ids(export(t, st, active)); !slices.Equal(got, []string{"long", "open"}) {
		t.Errorf("got %v", got)
	}
	var unknown *store.UnknownInstance
	_, err := transfer.Export(t.Context(), st, &bytes.Buffer{}, transfer.ExportOptions{Instances: []store.InstanceKey{{Workflow: "ticket", ID: "none"}}})
	if !errors.As(err, &unknown) {
		t.Errorf("an instance that does not exist: got error %v", err)
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	st := memory.New()
	_, client, _ := engine(t, st)
	fill(t, client)
	var seen []string
	redact := func(name workflow.PayloadName, payload []byte) []byte {
		if s := string(name.Kind) + " " + name.Name; !slices.Contains(seen, s) {
			seen = append(seen, s)
		}
		var fields map[string]any
		if err := json.Unmarshal(payload, &fields); err != nil {
			t.Error(err)
		}
		for field, v := range fields {
			if _, is := v.(string); is {
				fields[field] = "redacted"
			}
		}
		text, _ := json.Marshal(fields)
		return text
	}
	text := export(t, st, transfer.ExportOptions{Redact: redact})
	for _, secret := range []string{"quoted", "note 7", "look", "digest"} {
		if strings.Contains(text, secret) {
			t.Errorf("the export contains %q", secret)
		}
	}
	slices.Sort(seen)
	want := []string{"effect FindAgent", "effect Notify", "event Noted", "event Opened", "event Solved", "timer Expire", "timer Remind"}
	if !slices.Equal(seen, want) {
		t.Errorf("redacted %q, want %q", seen, want)
	}
	target := memory.New()
	if _, err := transfer.Import(t.Context(), target, strings.NewReader(text), transfer.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	_, client, _ = engine(t, target)
	if view, err := client.State(t.Context(), "open"); err != nil || !slices.Equal(view.State.Notes, []string{"redacted"}) {
		t.Errorf("got %+v, error %v", view, err)
	}
	for name, bad := range map[string]func(workflow.PayloadName, []byte) []byte{
		"ExportOptions.Redact for the event": func(workflow.PayloadName, []byte) []byte { panic("quoted") },
		"something else than a JSON object":  func(_ workflow.PayloadName, p []byte) []byte { return p[1:] },
		"event Solved of ticket":             func(workflow.PayloadName, []byte) []byte { return []byte(`"x"`) },
	} {
		_, err := transfer.Export(t.Context(), st, &bytes.Buffer{}, transfer.ExportOptions{
			Instances: []store.InstanceKey{{Workflow: "ticket", ID: "solved"}}, Redact: bad,
		})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got error %v, want one with %q", err, name)
		}
	}
}

// failing is a writer or reader that fails after a number of bytes.
type failing struct {
	bytes.Buffer
	left int
}

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errors.New("the disk is full")
	}
	return f.Buffer.Write(p)
}

// An export and an import that ended early go on where they ended.
func TestGoOn(t *testing.T) {
	t.Parallel()
	st := memory.New()
	_, client, _ := engine(t, st)
	for i := range 700 {
		if _, err := client.Open(t.Context(), ticket.Open{ID: fmt.Sprint(i), Subject: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	whole := export(t, st, transfer.ExportOptions{})
	first := &failing{left: len(whole) / 2}
	done, err := transfer.Export(t.Context(), st, first, transfer.ExportOptions{})
	if err == nil || done.Last == nil || done.Instances == 0 {
		t.Fatalf("got %+v, error %v", done, err)
	}
	rest := export(t, st, transfer.ExportOptions{After: done.Last})
	if !strings.HasSuffix(whole, rest) || len(rest) >= len(whole) {
		t.Errorf("the rest has %d bytes and is not the end of the whole with %d", len(rest), len(whole))
	}

	target := memory.New()
	cut := whole[:len(whole)*2/3]
	var line *transfer.LineError
	if _, err := transfer.Import(t.Context(), target, strings.NewReader(cut), transfer.ImportOptions{}); !errors.As(err, &line) || len(target.Rows("events")) > 0 {
		t.Errorf("a cut file was not checked first: %d events, error %v", len(target.Rows("events")), err)
	}
	done2, err := transfer.Import(t.Context(), target, bytes.NewBufferString(cut), transfer.ImportOptions{})
	if !errors.As(err, &line) || done2.Instances == 0 || int(done2.Events) != len(target.Rows("events")) {
		t.Errorf("a cut stream: got %+v, error %v", done2, err)
	}
	var exists *transfer.InstanceExists
	if _, err := transfer.Import(t.Context(), target, strings.NewReader(whole), transfer.ImportOptions{}); !errors.As(err, &exists) || !exists.SameHistory {
		t.Errorf("got error %v", err)
	}
	all, err := transfer.Import(t.Context(), target, strings.NewReader(whole), transfer.ImportOptions{SkipExisting: true})
	if err != nil || all.Skipped != done2.Instances || all.Skipped+all.Instances != 700 {
		t.Errorf("got %+v after %+v, error %v", all, done2, err)
	}
	if export(t, target, transfer.ExportOptions{}) != whole {
		t.Error("the target has something else than the source")
	}

	// One that has gone on is passed over; one with another history is not.
	_, client, _ = engine(t, target)
	if _, err := client.Note(t.Context(), ticket.Note{ID: "0", Text: "more"}); err != nil {
		t.Fatal(err)
	}
	if all, err = transfer.Import(t.Context(), target, strings.NewReader(whole), transfer.ImportOptions{SkipExisting: true}); err != nil || all.Skipped != 700 {
		t.Errorf("got %+v, error %v", all, err)
	}
	other := memory.New()
	_, client, _ = engine(t, other)
	if _, err := client.Open(t.Context(), ticket.Open{ID: "5", Subject: "5"}); err != nil {
		t.Fatal(err)
	}
	if _, err = transfer.Import(t.Context(), other, strings.NewReader(whole), transfer.ImportOptions{SkipExisting: true}); !errors.As(err, &exists) || exists.SameHistory {
		t.Errorf("another history: got error %v", err)
	}
	var held *store.UniqueKeyConflict
	third := memory.New()
	_, client, _ = engine(t, third)
	if _, err := client.Open(t.Context(), ticket.Open{ID: "thief", Subject: "5"}); err != nil {
		t.Fatal(err)
	}
	if _, err = transfer.Import(t.Context(), third, strings.NewReader(whole), transfer.ImportOptions{}); !errors.As(err, &held) || held.Holder != "thief" {
		t.Errorf("a held key: got error %v", err)
	}
}

// Lines that were written by hand need little.
func TestByHand(t *testing.T) {
	t.Parallel()
	const text = `{"instance":{"workflow":"ticket","id":"t-1","unique_keys":["ink"]}}

{"event":{"version":1,"type":"Opened","recorded_at":"2026-01-02T03:04:05Z","payload": { "subject" : "ink" }}}
{"event":{"version":2,"type":"Noted","recorded_at":"2026-01-02T03:04:05.000007+01:00","payload":{"text":"é"}}}`
	fixed := strings.Replace(text, "2026-01-02T03:04:05.000007+01:00", "2026-01-02T04:04:05.000007+01:00", 1)
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := open(t)
			if _, err := transfer.Import(t.Context(), st, strings.NewReader(text), transfer.ImportOptions{}); err == nil || !strings.Contains(err.Error(), "line 4") {
				t.Errorf("an event before the one before it: got error %v", err)
			}
			for range 2 {
				if _, err := transfer.Import(t.Context(), st, strings.NewReader(fixed), transfer.ImportOptions{SkipExisting: true}); err != nil {
					t.Fatal(err)
				}
			}
			_, client, _ := engine(t, st)
			view, err := client.State(t.Context(), "t-1")
			if err != nil || view.State.Subject != "ink" || !slices.Equal(view.State.Notes, []string{"é"}) {
				t.Errorf("got %+v, error %v", view, err)
			}
			history, err := client.History(t.Context(), "t-1")
			if want := time.Date(2026, 1, 2, 3, 4, 5, 7000, time.UTC); err != nil || !history[1].RecordedAt.Equal(want) {
				t.Errorf("got %v, error %v", history, err)
			}
		})
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	const head, opened = `{"instance":{"workflow":"ticket","id":"t"}}` + "\n",
		`{"event":{"version":1,"type":"Opened","recorded_at":"2026-01-02T03:04:05Z","payload":{"subject":"SECRET"}}}` + "\n"
	for text, want := range map[string]string{
		"hello":                   "line 1: the line is not JSON from byte 1 on",
		`{"instance":{"workflow"`: "line 1: the line is not complete JSON",
		opened:                    `line 1: the first line of an instance is {"instance":…}`,
		head:                      "line 1: ticket/t has no events",
		head + head:               "line 2: ticket/t has no events",
		`{}`:                      "line 1: the line is not an object with one of",
		`{"instance":null}`:       "line 1: the line is not an object with one of",
		`[]`:                      "line 1: ",
		"null":                    "line 1: the line is not an object with one of",
		`{"instance":{"workflow":"t","id":"a","format":2}}`:                                 "line 1: the lines have format 2, and this library reads formats up to 1; update the library",
		`{"instance":{"workflow":"t","id":""}}`:                                             "line 1: the instance id is empty",
		`{"instance":{"workflow":"","id":"a"}}`:                                             "line 1: the instance has no workflow",
		`{"instance":{"workflow":"t\u0000","id":"a"}}`:                                      "NUL",
		`{"instance":{"workflow":"t","id":"a","colour":"red"}}`:                             `line 1: unknown field "colour"`,
		`{"instance":{"workflow":"t","id":7}}`:                                              `line 1: "instance.id" is not a string`,
		`{"instance":{"workflow":"t","id":"a"}} {}`:                                         "line 1: the line has more than one JSON object",
		"{\"instance\":{\"workflow\":\"t\",\"id\":\"\xff\"}}":                               "line 1: the line is not valid UTF-8",
		`{"instance":{"workflow":"ticket","id":"t","version":2,"lines":2}}` + "\n" + opened: "has 1 events on 1 lines, and its first line says 2 events on 2 lines: the file was cut or edited",
		head + opened + opened:                                                              "line 3: ticket/t: the event has version 1, want 2",
		head + strings.Replace(opened, `:1,`, `:2,`, 1):                                     "line 2: ticket/t: the event has version 2, want 1",
		head + strings.Replace(opened, "Opened", "", 1):                                     "line 2: ticket/t: the event has no type",
		head + strings.Replace(opened, "2026-", "20260-", 1):                                "line 2: a value of the line has the wrong form",
		head + strings.Replace(opened, "2026-01-02", "0000-01-02", 1):                       "line 2: ticket/t: recorded_at is in the year 0",
		head + strings.Replace(opened, `{"subject":"SECRET"}`, `"SECRET"`, 1):               "line 2: ticket/t: payload is not a JSON object",
		head + strings.Replace(opened, `,"payload":{"subject":"SECRET"}`, ``, 1):            "line 2: ticket/t: payload is not a JSON object",
		head + strings.Replace(opened, `"type"`, `"completes":true,"type"`, 1) + `{"timer":{"version":1,"key":"k","kind":"Remind","due_at":"2026-01-02T03:04:05Z","payload":{}}}`: "line 3: ticket/t: the instance has completed, and has a timer",
		head + opened + `{"effect":{"version":2,"kind":"Notify","due_at":"2026-01-02T03:04:05Z","payload":{}}}`:                                                                   "line 3: ticket/t: the line names version 2, and the lines before it have 1 events",
		head + opened + strings.Repeat(`{"effect":{"version":1,"kind":"Notify","due_at":"2026-01-02T03:04:05Z","payload":{}}}`+"\n", 2):                                           "line 4: ticket/t: the instance has this effect twice",
		head + opened + `{"outcome":{"input_id":"","recorded_at":"2026-01-02T03:04:05Z","outcome":{}}}`:                                                                           "line 3: ticket/t: the input id is empty",
		head + opened + `{"ended":{"queue":"x","version":1,"kind":"Notify","ending":"refused","ended_at":"2026-01-02T03:04:05Z"}}`:                                                `line 3: ticket/t: ironflow: queue is "x"`,
	} {
		st := memory.New()
		_, err := transfer.Import(t.Context(), st, strings.NewReader(text), transfer.ImportOptions{})
		var line *transfer.LineError
		if !errors.As(err, &line) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
		if n := len(st.Rows("events")); n > 0 {
			t.Errorf("%q: %d events are stored", text, n)
		}
	}
}

// core is a store with nothing but what every store has.
type core struct{ store.Store }

func TestUnsupported(t *testing.T) {
	t.Parallel()
	var unsupported *store.Unsupported
	if _, err := transfer.Export(t.Context(), core{memory.New()}, &bytes.Buffer{}, transfer.ExportOptions{}); !errors.As(err, &unsupported) || unsupported.Ability != "Transfer" {
		t.Errorf("got error %v", err)
	}
	if _, err := transfer.Import(t.Context(), core{memory.New()}, strings.NewReader(""), transfer.ImportOptions{}); !errors.As(err, &unsupported) {
		t.Errorf("got error %v", err)
	}
}
