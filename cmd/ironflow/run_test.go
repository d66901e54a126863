package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/ironflowtest/postgrestest"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// shop is a payment provider that fails for good as long as broken is set, and a mailer.
type shop struct{ broken bool }

func (s *shop) Charge(context.Context, order.Charge) error {
	if s.broken {
		return runtime.Permanent(errors.New("certificate expired\x1b[31m"))
	}
	return nil
}

func (s *shop) SendReceipt(context.Context, string, string, int64) error { return nil }

// frozen is a clock that stands.
type frozen struct {
	store.SystemClock
	now time.Time
}

func (f frozen) Now() time.Time { return f.now }

// bench is a store with its name on the command line.
type bench struct {
	*testing.T
	store runtime.Store
	flags []string
	pool  *pgxpool.Pool // of PostgreSQL
	db    *sql.DB       // of SQLite
}

func sqliteBench(t *testing.T) *bench {
	t.Helper()
	file := filepath.Join(t.TempDir(), "app.db")
	st, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return &bench{T: t, store: st, flags: []string{"-store", file}, db: st.DB()}
}

// onStores runs a test on both stores that have a name.
func onStores(t *testing.T, test func(b *bench)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(sqliteBench(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		onPostgres(t, test)
	})
}

func onPostgres(t *testing.T, test func(b *bench)) {
	t.Helper()
	st, pool := postgrestest.OpenPool(t)
	config := pool.Config()
	schema := strings.Trim(config.ConnConfig.RuntimeParams["search_path"], `"`)
	test(&bench{T: t, store: st, flags: []string{"-store", config.ConnString(), "-schema", schema}, pool: pool})
}

// ironflow runs a command line and checks its exit code. It returns what was printed, as one text.
func (b *bench) ironflow(code int, args ...string) string {
	b.Helper()
	return b.feed(code, "", args...)
}

func (b *bench) feed(code int, in string, args ...string) string {
	b.Helper()
	var out, errs bytes.Buffer
	args = append(args[:1:1], append(b.flags[:len(b.flags):len(b.flags)], args[1:]...)...)
	if got := Run(b.Context(), args, strings.NewReader(in), &out, &errs); got != code {
		b.Errorf("ironflow %q: exit code %d, want %d\n%s%s", args, got, code, &out, &errs)
	}
	return out.String() + errs.String()
}

// want checks that a text has parts.
func (b *bench) want(text string, parts ...string) {
	b.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			b.Errorf("no %q in:\n%s", part, text)
		}
	}
}

// A list that its budget cut short says so, whatever it prints.
func TestListThatIsNotComplete(t *testing.T) {
	t.Parallel()
	for _, json := range []bool{false, true} {
		var out, errs bytes.Buffer
		k := &call{options: options{json: json}, out: &out, errs: &errs}
		page := admin.Page[store.InstanceSummary]{Next: "abc", Looked: 84_101}
		if code, err := k.instances(page); code != exitOK || err != nil {
			t.Errorf("got %d, %v", code, err)
		}
		if got, want := errs.String(), "ironflow: the list is not complete: 84101 instances were checked so far\nironflow: there is more; add -cursor abc\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// run runs the shop's workflow until the function that it returns is called.
func (b *bench) run(s *shop, name string, clock store.Clock) (client *order.Client, stop func()) {
	b.Helper()
	engine, err := runtime.NewEngine(b.store, runtime.Config{
		Name: name, Version: "v1.4.0", Logger: slog.New(slog.DiscardHandler), PollInterval: 10 * time.Millisecond, Clock: clock,
	}, order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{Gateway: s, Mailer: s}))
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- engine.Run(ctx) }()
	return order.NewClient(engine), func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
}

// eventually repeats a command until it prints a text.
func (b *bench) eventually(text string, args ...string) {
	b.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var out, errs bytes.Buffer
		args := append(args[:1:1], append(b.flags[:len(b.flags):len(b.flags)], args[1:]...)...)
		Run(b.Context(), args, strings.NewReader(""), &out, &errs)
		if strings.Contains(out.String(), text) {
			return
		}
		if time.Now().After(deadline) {
			b.Fatalf("ironflow %q never prints %q, last:\n%s%s", args, text, &out, &errs)
		}
	}
}

// Two releases that run at the same time are compared.
func TestPrograms(t *testing.T) {
	onStores(t, func(b *bench) {
		now := store.StoredTime(time.Now())
		for i, inputs := range [][]string{{"Create"}, {"Create", "Pay"}} {
			text, digest := (&workflow.Manifest{Workflows: []workflow.WorkflowManifest{{Name: "order", Inputs: inputs}}}).Encode()
			err := b.store.(store.Programs).RecordProgram(b.Context(), store.Program{
				Process: []string{"web-0", "web-1\x1b[31m"}[i], Digest: digest, StartedAt: now.Add(time.Duration(i) * time.Minute), SeenAt: now, Until: now.Add(time.Hour),
			}, text)
			if err != nil {
				b.Fatal(err)
			}
		}
		b.want(b.ironflow(0, "programs"), `workflow order differs between web-1\x1b[31m, which is newer, and web-0:`,
			"waits  input Pay: only the newer program has it  Effects and timers that bring it wait for the newer program.")
	})
}

// "Order o-17 was not charged: why, and fix it", answered on the command line alone.
func TestIncident(t *testing.T) {
	onStores(t, func(b *bench) {
		provider := &shop{broken: true}
		now := frozen{now: time.Now()} // the order has a deadline of 3 s
		client, stop := b.run(provider, "web-1/7", now)
		out, err := client.Create(b.Context(), order.Create{
			OrderID: "o-17", CartID: "c", Email: "a@b.c", Card: "4242", Items: []order.Item{{Sku: "ink", Quantity: 1, PriceCents: 900}},
		})
		if err != nil || !out.Accepted() {
			b.Fatalf("got %+v, %v", out, err)
		}
		b.eventually("certificate expired", "dead")

		// What is wrong?
		b.want(b.ironflow(1, "health"), "1 dead letters of order/ChargeCard")
		b.want(b.ironflow(0, "programs"), "web-1/7", "runs", "v1.4.0", "order")
		b.want(b.ironflow(0, "show", "order/o-17"), "status      awaiting_payment", "accepts     Pay\n", "ChargeCard", "dead", `certificate expired\x1b[31m`)
		b.want(b.ironflow(0, "history", "order/o-17"), "Created")
		b.want(b.ironflow(0, "history", "order/o-17", "-payload"), `"total_cents":900`)
		if text := b.ironflow(0, "history", "order/o-17"); strings.Contains(text, "900") {
			b.Errorf("a payload was printed:\n%s", text)
		}
		b.want(b.ironflow(0, "why", "order/o-17"), "Create", "ChargeCard", "certificate expired")
		b.want(b.ironflow(0, "why", "order/o-17/1/0"), "ChargeCard")
		b.want(b.ironflow(0, "list", "-workflow", "order", "-active"), "order/o-17", "awaiting_payment")
		b.want(b.ironflow(0, "count"), "order", "active", "1")
		b.want(b.ironflow(0, "count", "-workflow", "order", "-newest", "10"), "awaiting_payment  active  1\n")
		b.want(b.ironflow(2, "count", "-newest", "10"), "-workflow")

		b.want(b.ironflow(0, "dead", "-groups"), "order/ChargeCard", "certificate expired", "o-17")
		group := strings.Fields(strings.Split(b.ironflow(0, "dead", "-groups"), "\n")[1])[0]
		b.want(b.ironflow(0, "retry", "-dry-run", "-group", group), group, "order/ChargeCard")
		b.want(b.ironflow(0, "discard", "-dry-run", "-workflow", "order"), group)
		if text := b.ironflow(0, "retry", "-dry-run", "-group", "none"); strings.Contains(text, "order") {
			b.Errorf("got\n%s", text)
		}
		b.want(b.ironflow(0, "retry", "-write", "-reason", "x", "-group", "none"), "retried 0 dead letters")

		// Nothing changes by accident.
		b.want(b.ironflow(2, "retry", "-workflow", "order"), "add -write")
		b.want(b.ironflow(2, "retry", "-write", "-reason", "x"), "say which")
		b.want(b.ironflow(2, "retry", "-write", "-workflow", "order"), "needs -reason")
		b.want(b.ironflow(2, "projections", "pause", "p", "-write"), "needs -reason")
		b.want(b.ironflow(2, "discard", "-write", "-workflow", "order"), "needs -reason")

		// Fix it: the provider is back, and the charge is tried again.
		b.ironflow(0, "pause", "order", "-write", "-reason", "the certificate")
		b.want(b.ironflow(1, "health"), "workflow order is paused by", "the certificate")
		b.ironflow(0, "resume", "order", "-write", "-reason", "it is renewed", "-as", "ann")
		stop()
		b.want(b.ironflow(1, "stuck", "-for", "1ms"), "order/PaymentTimeout: no program runs on this store")
		b.want(b.ironflow(0, "retry", "-write", "-reason", "it is renewed", "-as", "ann", "-group", group, "-kind", "ChargeCard"), "retried 1 dead letters")
		_, stop = b.run(&shop{}, "web-2/8", store.SystemClock{})
		defer stop()
		b.eventually("completed   2", "show", "order/o-17") // paid, or cancelled when its deadline came first
		if text := b.ironflow(0, "dead"); strings.Contains(text, "o-17") {
			b.Errorf("it is still a dead letter:\n%s", text)
		}

		// Who did what?
		audit := b.ironflow(0, "audit")
		b.want(audit, "retry", "group "+group+`, kind "ChargeCard"`, "resume", "pause", whoAmI(), "the certificate", "it is renewed")
		if ann := b.ironflow(0, "audit", "-by", "ann", "-operation", "retry"); strings.Count(ann, "\n") != 2 {
			b.Errorf("got\n%s", ann)
		}
	})
}

func TestJSONIsForPrograms(t *testing.T) {
	onStores(t, func(b *bench) {
		client, stop := b.run(&shop{}, "web-1/7", store.SystemClock{})
		id := `a "quoted"/ïd <b>`
		if out, err := client.Create(b.Context(), order.Create{OrderID: id, CartID: "c", Items: []order.Item{{Quantity: 1, PriceCents: 1 << 60}}}); err != nil || !out.Accepted() {
			b.Fatalf("got %+v, %v", out, err)
		}
		b.eventually("paid", "show", "order/"+id)
		stop()
		for _, args := range [][]string{
			{"list", "-json"}, {"count", "-json"}, {"show", "-json", "order/" + id}, {"history", "-json", "-payload", "order/" + id},
			{"why", "-json", "order/" + id}, {"programs", "-json"}, {"audit", "-json"}, {"projections", "-json"}, {"health", "-json"}, {"stuck", "-json"},
		} {
			text := b.ironflow(0, args...)
			lines := json.NewDecoder(strings.NewReader(text))
			for n := 0; lines.More(); n++ {
				var v any
				if err := lines.Decode(&v); err != nil {
					b.Errorf("%q prints no JSON: %v\n%s", args, err, text)
					break
				}
			}
		}
		b.want(b.ironflow(0, "history", "-json", "-payload", "order/"+id), `1152921504606846976`)

		// A copy in another store has the same history.
		text := b.ironflow(0, "export", "order/"+id)
		lines, _, _ := strings.Cut(text, "ironflow: exported 1 instances")
		other := filepath.Join(b.TempDir(), "copy.db")
		copied, err := sqlite.Open(b.Context(), other)
		if err != nil {
			b.Fatal(err)
		}
		defer copied.Close()
		b2 := &bench{T: b.T, store: copied, flags: []string{"-store", other}}
		b2.want(b2.feed(0, lines, "import", "-write", "-reason", "a copy"), "imported 1 instances")
		if got, want := b2.ironflow(0, "export", "order/"+id), text; got != want {
			b.Errorf("a copy of the copy is\n%s, not\n%s", got, want)
		}
	})
}

func TestForgetASubject(t *testing.T) {
	onStores(t, func(b *bench) {
		b.want(b.ironflow(2, "forget", "c-7"), "add -write")
		b.want(b.ironflow(2, "forget", "c-7", "-write"), "needs -reason")
		b.want(b.ironflow(0, "forget", "c-7", "-write", "-reason", "request 812", "-as", "ann"), "c-7 is forgotten; it had no key")
		b.want(b.ironflow(0, "forget", "c-7", "-write", "-reason", "again"), "c-7 was forgotten", "by ann: request 812")
	})
}

func TestMistakesOfTheCommandLine(t *testing.T) {
	onStores(t, func(b *bench) {
		b.want(b.ironflow(2, "show", "o-17"), "write WORKFLOW/ID")
		b.want(b.ironflow(1, "show", "order/o-17"), "order/o-17")
		b.want(b.ironflow(1, "why", "order/o-17"), "order/o-17")
		b.want(b.ironflow(2, "show"), "usage: ironflow show")
		b.want(b.ironflow(2, "list", "-active", "-completed"), "select nothing")
		b.want(b.ironflow(2, "list", "-nonsense"), "ironflow help list")
		b.want(b.ironflow(1, "pause", "order", "-write", "-reason", "x"), "no workflow \"order\"")
		b.want(b.ironflow(1, "projections", "pause", "p", "-write", "-reason", "x"), "no projection \"p\"")
		b.want(b.ironflow(2, "projections", "pause", "p"), "add -write")
		b.want(b.ironflow(2, "projections", "stop", "p", "-write", "-reason", "x"), "pause, resume, rebuild and skip")
		b.want(b.ironflow(1, "schedules", "pause", "order/nightly", "-write", "-reason", "x"), "no schedule \"nightly\"")
		b.want(b.ironflow(2, "schedules", "stop", "order/nightly", "-write", "-reason", "x"), "pause, resume and trigger")
		b.want(b.ironflow(2, "schedules", "pause", "nightly", "-write", "-reason", "x"), "WORKFLOW/NAME")
		b.want(b.ironflow(2, "schedules", "pause", "order/nightly"), "add -write")
		b.want(b.ironflow(0, "schedules"), "SCHEDULE")
		if b.pool != nil {
			b2 := &bench{T: b.T, flags: []string{"-store", b.flags[1], "-schema", "nowhere"}}
			b2.want(b2.ironflow(3, "list"), `the schema "nowhere" has no tables of ironflow`, "-schema")
		}
		b.want(b.ironflow(0, "stuck"), "nothing is stuck")
		b.ironflow(0, "health")
	})
	b := &bench{T: t}
	b.want(b.ironflow(2, "list"), "-store")
	b.want(b.ironflow(3, "list", "-store", filepath.Join(t.TempDir(), "mistyped.db")), "no such file")
	text := b.ironflow(3, "list", "-store", "postgres://app:secret@127.0.0.1:1/app", "-timeout", "5s")
	if b.want(text, "127.0.0.1"); strings.Contains(text, "secret") {
		b.Errorf("the password is printed: %s", text)
	}
	b.want(b.ironflow(2, "lsit"), "no command")
	for _, c := range commands {
		b.want(b.ironflow(0, "help", c.name), "usage: ironflow "+c.name)
	}
	b.want(b.ironflow(0, "help"), "stuck", "Exit codes")
}

// watch prints events as they are stored, and ends with the instance.
func TestWatch(t *testing.T) {
	onStores(t, func(b *bench) {
		client, stop := b.run(&shop{}, "web-1", nil)
		defer stop()
		done := make(chan string)
		go func() { done <- b.ironflow(exitOK, "watch", "order/o-1", "-payload") }()
		time.Sleep(50 * time.Millisecond)
		out, err := client.Create(b.Context(), order.Create{OrderID: "o-1", CartID: "c-1", Email: "a@b", Card: "4242", Items: []order.Item{{Sku: "tea", Quantity: 1, PriceCents: 700}}})
		if err != nil || !out.Accepted() {
			b.Fatal(out, err)
		}
		select {
		case text := <-done:
			b.want(text, "Created", "Paid", `"total_cents":700`)
		case <-time.After(20 * time.Second):
			b.Fatal("watch does not end when the order has completed")
		}
		b.want(b.ironflow(exitOK, "watch", "order/o-1", "-after", "1", "-json"), `"version":2`, `"type":"Paid"`)
		b.want(b.ironflow(exitFound, "watch", "order/none", "-timeout", "300ms"), "has not completed", "-timeout 300ms")
		b.want(b.ironflow(exitUsage, "watch", "order"), "WORKFLOW/ID")
	})
}

// Orders are found by the values of search fields, by their carts while they are open, and by the beginning of their ids.
func TestFind(t *testing.T) {
	onStores(t, func(b *bench) {
		client, stop := b.run(&shop{}, "web-1", nil)
		ctx := b.Context()
		for id, email := range map[string]string{"o-1": "ada@example.com", "o-2": "bob@example.com", "o-3": "ada@example.com"} {
			out, err := client.Create(ctx, order.Create{OrderID: id, CartID: "cart " + id, Email: email, Card: "4242", Items: []order.Item{{Sku: "tea", Quantity: 1, PriceCents: 700}}})
			if err != nil || !out.Accepted() {
				b.Fatal(out, err)
			}
			if _, err := client.Await(ctx, id, runtime.UntilCompleted()); err != nil {
				b.Fatal(err)
			}
		}
		waiting, err := client.Create(ctx, order.Create{OrderID: "p-1", CartID: "cart p-1", Email: "", Items: []order.Item{{Sku: "tea", Quantity: 1, PriceCents: 700}}})
		if err != nil || !waiting.Accepted() {
			b.Fatal(waiting, err)
		}
		found := b.ironflow(exitOK, "find", "email=ada@example.com")
		b.want(found, "order/o-1", "order/o-3", "paid")
		if strings.Contains(found, "o-2") {
			b.Errorf("found another customer's order:\n%s", found)
		}
		b.want(b.ironflow(exitOK, "find", "-workflow", "order", "cart_id=cart o-2", "-json"), `"ID":"o-2"`)
		b.want(b.ironflow(exitOK, "find", "-limit", "1", "email=ada@example.com"), "order/o-1", "-cursor")
		b.want(b.ironflow(exitFound, "find", "email=nobody@example.com"), "no instance was found")
		b.want(b.ironflow(exitUsage, "find", "mail=ada@example.com"), "mail")
		b.want(b.ironflow(exitUsage, "find", "-workflow", "order", "mail=ada@example.com"), "email", "cart_id")
		b.want(b.ironflow(exitUsage, "find", "o-1"), "FIELD=VALUE")
		b.want(b.ironflow(exitOK, "find", "-id", "o-"), "order/o-1", "order/o-2", "order/o-3")
		b.want(b.ironflow(exitUsage, "find", "-key", "cart p-1"), "belongs to a workflow")
		b.want(b.ironflow(exitFound, "find", "-workflow", "order", "-key", "cart o-1"), "no instance was found") // the order has ended
		stop()

		// An instance of an older declaration has no values until the backfill stores them.
		st := b.store.(store.Transfer)
		stored, err := st.ReadStored(ctx, []store.InstanceKey{{Workflow: "order", ID: "o-1"}})
		if err != nil || len(stored[0].Search) != 2 {
			b.Fatalf("got %+v, %v", stored, err)
		}
		old := stored[0]
		old.Key.ID, old.Search, old.Outcomes, old.Ended = "old", nil, nil, nil
		for i := range old.Events {
			old.Events[i].Instance = old.Key
		}
		if err := st.WriteStored(ctx, []store.StoredInstance{old}); err != nil {
			b.Fatal(err)
		}
		if text := b.ironflow(exitOK, "find", "email=ada@example.com"); strings.Contains(text, "order/old") {
			b.Errorf("it is found before the backfill:\n%s", text)
		}
		engine, err := runtime.NewEngine(b.store, runtime.Config{Logger: slog.New(slog.DiscardHandler)},
			order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{Gateway: &shop{}, Mailer: &shop{}}))
		if err != nil {
			b.Fatal(err)
		}
		for range 2 { // it changes nothing when it is repeated
			steps := 0
			for cursor, err := range engine.BackfillSearch(ctx, "order", "") {
				if err != nil || cursor != "" {
					b.Fatal(cursor, err)
				}
				steps++
			}
			if steps != 1 {
				b.Errorf("the backfill of 5 instances has %d steps", steps)
			}
		}
		b.want(b.ironflow(exitOK, "find", "email=ada@example.com"), "order/old", "order/o-1", "order/o-3")
		b.want(b.ironflow(exitOK, "find", "cart_id=cart o-1"), "order/o-1")
		for _, err := range engine.BackfillSearch(ctx, "cart", "") {
			b.want(err.Error(), "cart")
		}

		// One that cannot be replayed is named, and keeps nobody else from being found.
		broken, older := stored[0], stored[0]
		broken.Key.ID, older.Key.ID = "broken", "older"
		for _, i := range []*store.StoredInstance{&broken, &older} {
			i.Search, i.Outcomes, i.Ended, i.Events = nil, nil, nil, slices.Clone(i.Events)
			for n := range i.Events {
				i.Events[n].Instance = i.Key
			}
		}
		broken.Events[0].Payload = []byte(`{"items":7}`)
		if err := st.WriteStored(ctx, []store.StoredInstance{broken, older}); err != nil {
			b.Fatal(err)
		}
		for cursor, err := range engine.BackfillSearch(ctx, "order", "") {
			if err == nil || cursor != "" {
				b.Fatal(cursor, err)
			}
			b.want(err.Error(), "order/broken", "items")
		}
		b.want(b.ironflow(exitOK, "find", "email=ada@example.com"), "order/old", "order/older", "order/o-1", "order/o-3")
	})
}
