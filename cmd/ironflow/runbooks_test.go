package main

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/runtime"
)

// runbook returns the commands of each section of the page, as arguments. The section "" is what comes before the first one.
func runbook(t *testing.T) map[string][][]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/operate/runbooks.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := make(map[string][][]string)
	section := ""
	word := regexp.MustCompile(`'[^']*'|\S+`)
	for line := range strings.Lines(string(page)) {
		if title, is := strings.CutPrefix(line, "## "); is {
			section = strings.TrimSpace(title)
		}
		if command, is := strings.CutPrefix(line, "$ ironflow "); is {
			var args []string
			for _, w := range word.FindAllString(command, -1) {
				args = append(args, strings.Trim(w, "'"))
			}
			commands[section] = append(commands[section], args)
		}
	}
	return commands
}

// create makes the order o-17.
func (b *bench) create(client *order.Client) {
	b.Helper()
	out, err := client.Create(b.Context(), order.Create{
		OrderID: "o-17", CartID: "c", Email: "a@b.c", Card: "4242", Items: []order.Item{{Sku: "ink", Quantity: 1, PriceCents: 900}},
	})
	if err != nil || !out.Accepted() {
		b.Fatalf("got %+v, %v", out, err)
	}
}

// The commands of each runbook say what is wrong with a store in that trouble, and end it.
func TestRunbooks(t *testing.T) {
	commands := runbook(t)
	now := frozen{now: time.Now()}
	dead := func(b *bench) {
		client, stop := b.run(&shop{broken: true}, "web-1/7", now)
		b.create(client)
		b.eventually("certificate expired", "dead")
		stop()
	}
	waits := func(b *bench) { // nobody runs it
		client, stop := b.run(&shop{}, "web-1/7", now)
		stop()
		b.create(client)
	}
	paused := func(b *bench) {
		waits(b)
		b.ironflow(0, "pause", "-write", "-reason", "the provider is down", "order")
	}
	projection := func(b *bench) {
		engine, err := runtime.NewEngine(b.store, runtime.Config{
			Name: "web-1/7", Logger: slog.New(slog.DiscardHandler), PollInterval: 10 * time.Millisecond, Clock: now,
			Projections: []runtime.AnyProjection{b.projection()},
		}, order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{Gateway: &shop{}, Mailer: &shop{}}))
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- engine.Run(ctx) }()
		b.create(order.NewClient(engine))
		b.eventually("stopped", "projections")
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
	unreadable := func(b *bench) {
		waits(b)
		b.damage()
	}
	stalled := func(b *bench) {
		b.stall()
		waits(b)
	}
	for section, trouble := range map[string]struct {
		make  func(b *bench)
		finds []string // what the commands print, all together
		after []string // what is not wrong any more
	}{
		"":                           {dead, []string{"1 dead letters of order/ChargeCard"}, nil},
		"Dead letters":               {dead, []string{"certificate expired", "input Create of a client", "retried 1 dead letters"}, []string{"certificate expired"}},
		"Effects pile up":            {waits, []string{"no running program delivers", "web-1/7", "ChargeCard"}, nil},
		"A workflow is paused":       {paused, []string{"the provider is down"}, []string{"is paused"}},
		"No program runs":            {waits, []string{"web-1/7", "stopped", "no program runs on this store"}, nil},
		"Instances are stuck":        {dead, []string{"ChargeCard", "certificate expired", "Created"}, nil},
		"An instance cannot be read": {unreadable, []string{"Craeted", "web-1/7", "v1.4.0", `"o-17"`}, nil},
		"A projection stands":        {projection, []string{"orders", "stopped", "no such column"}, []string{"no such column"}},
		"The feed is stalled":        {stalled, []string{"feed: events up to"}, nil},
		"Inputs fail":                {paused, []string{"workflow order is paused by", "the provider is down"}, nil},
		"The database fails over":    {dead, []string{"1 dead letters", "certificate expired"}, nil},
	} {
		found := commands[section]
		delete(commands, section)
		name := section
		if name == "" {
			name = "beginning"
		}
		t.Run(name, func(t *testing.T) {
			if len(found) == 0 {
				t.Fatal("the page has no command")
			}
			onStores(t, func(b *bench) {
				trouble.make(b)
				var all strings.Builder
				for _, args := range found {
					all.WriteString(b.either(args...))
				}
				b.want(all.String(), trouble.finds...)
				health := b.either("health")
				if section == "The feed is stalled" && b.pool != nil {
					b.want(all.String(), "the feed waits for")
				}
				for _, text := range trouble.after {
					if strings.Contains(health, text) {
						b.Errorf("afterwards, there is still %q in:\n%s", text, health)
					}
				}
			})
		})
	}
	for section := range commands {
		t.Errorf("section %q has commands, and no trouble here", section)
	}
}

// either runs a command line that ends well, or finds something.
func (b *bench) either(args ...string) string {
	b.Helper()
	var out, errs strings.Builder
	code := Run(b.Context(), append(args[:1:1], append(b.flags[:len(b.flags):len(b.flags)], args[1:]...)...), strings.NewReader(""), &out, &errs)
	if code != exitOK && code != exitFound {
		b.Errorf("ironflow %q: exit code %d\n%s%s", args, code, &out, &errs)
	}
	return out.String() + errs.String()
}

// projection is a projection that cannot apply any event.
func (b *bench) projection() runtime.AnyProjection {
	failed := errors.New("no such column: total")
	once := runtime.RetryPolicy{MaxAttempts: 1}
	if b.pool != nil {
		return runtime.Projection[pgx.Tx]{Name: "orders", Retry: once, Apply: func(context.Context, pgx.Tx, runtime.StoredEvent) error { return failed }}
	}
	return runtime.Projection[*sql.Tx]{Name: "orders", Retry: once, Apply: func(context.Context, *sql.Tx, runtime.StoredEvent) error { return failed }}
}

// damage makes the events of the store such that no release can read them.
func (b *bench) damage() {
	b.Helper()
	var err error
	if b.pool != nil {
		_, err = b.pool.Exec(b.Context(), "UPDATE events SET type = 'Craeted'")
	} else {
		_, err = b.db.ExecContext(b.Context(), "UPDATE ironflow_events SET type = 'Craeted'")
	}
	if err != nil {
		b.Fatal(err)
	}
}

// stall leaves a transaction open that readers of the feed wait for. SQLite has none.
func (b *bench) stall() {
	b.Helper()
	if b.pool == nil {
		return
	}
	tx, err := b.pool.Begin(b.Context())
	if err == nil {
		_, err = tx.Exec(b.Context(), "SELECT pg_current_xact_id()")
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = tx.Rollback(context.Background()) })
}
