package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// adder is an engine with ledgers, and how many additions each has had.
func adder(b *bed, config runtime.Config) (*runtime.Engine, *ledger.Client) {
	engine := b.engine(config, ledgers(ledger.Decider{}, ledger.Handler{}))
	return engine, ledger.NewClient(engine)
}

func add(b *bed, client *ledger.Client, accounts ...string) {
	b.Helper()
	for _, account := range accounts {
		outcome, err := client.Add(b.Context(), ledger.Add{Account: account, Amount: 1})
		must(b, outcome, err)
	}
}

// subscriber collects events until it is stopped.
type subscriber struct {
	events chan runtime.StoredEvent
	errs   chan error
	ended  chan struct{}
	stop   context.CancelFunc
}

func (b *bed) subscribe(engine *runtime.Engine, after runtime.FeedPosition, filters ...runtime.EventFilter) *subscriber {
	ctx, cancel := context.WithCancel(context.Background())
	s := &subscriber{make(chan runtime.StoredEvent, 100), make(chan error, 100), make(chan struct{}), cancel}
	go func() {
		defer close(s.ended)
		for event, err := range engine.Subscribe(ctx, after, filters...) {
			if err != nil {
				s.errs <- err
			} else {
				s.events <- event
			}
		}
	}()
	b.Cleanup(func() {
		cancel()
		wait(b, "the subscription ends", s.ended)
	})
	return s
}

func (s *subscriber) want(b *bed, list ...string) (last runtime.StoredEvent) {
	b.Helper()
	for _, want := range list {
		last = wait(b, "the event "+want, s.events)
		if got := fmt.Sprintf("%s/%d", last.Instance.ID, last.Version); got != want {
			b.Fatalf("got event %s, want %s", got, want)
		}
	}
	return last
}

func TestSubscribe(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.realConfig()
		config.PollInterval = time.Hour // news of one's own process do not wait for a poll
		engine, client := adder(b, config)
		add(b, client, "a", "b", "a")
		s := b.subscribe(engine, 0)
		second := s.want(b, "a/1", "b/1")
		s.want(b, "a/2")
		for v := range 5 {
			add(b, client, "a")
			s.want(b, fmt.Sprintf("a/%d", v+3))
		}
		from := b.subscribe(engine, second.Position(), runtime.EventFilter{Workflow: "ledger", Types: []string{"Added"}})
		from.want(b, "a/2", "a/3", "a/4", "a/5", "a/6", "a/7")
		if last := second; last.Type != "Added" || string(last.Payload) != `{"amount":1}` || last.Instance.Workflow != "ledger" {
			t.Errorf("got %+v", last)
		}
		s.stop()
		if err := wait(b, "the end", s.errs); !errors.Is(err, context.Canceled) {
			t.Errorf("the subscription ends with %v", err)
		}
		wait(b, "the end of the loop", s.ended)
	})
}

func TestSubscriptionEndsWithItsLoop(t *testing.T) {
	onStores(t, func(b *bed) {
		engine, client := adder(b, b.realConfig())
		add(b, client, "a", "b")
		n := 0
		for _, err := range engine.Subscribe(b.Context(), 0) {
			if n++; err != nil || n == 2 {
				break
			}
		}
		if n != 2 {
			t.Errorf("the loop ran %d times", n)
		}
	})
}

// Events of another engine come by NOTIFY, and without it by polling.
func TestSubscribeToAnotherProcess(t *testing.T) {
	onStores(t, func(b *bed) {
		_, other := adder(b, b.realConfig())
		config := b.realConfig()
		if b.prefix != "ironflow_" { // NOTIFY
			config.PollInterval = time.Hour
		}
		engine, _ := adder(b, config)
		b.run(engine)
		s := b.subscribe(engine, 0)
		// The first may come before the engine listens, which then is news to it.
		for v := range 5 {
			add(b, other, "a")
			s.want(b, fmt.Sprintf("a/%d", v+1))
		}
	})
}

func TestSubscriptionGoesOnAfterErrors(t *testing.T) {
	onStores(t, func(b *bed) {
		store := &faulty{Store: b.store}
		engine := b.engineOn(store, b.realConfig(), ledgers(ledger.Decider{}, ledger.Handler{}))
		add(b, ledger.NewClient(engine), "a")
		store.setFeed(func() error { return errBroken })
		s := b.subscribe(engine, 0)
		for range 2 {
			if err := wait(b, "an error", s.errs); !errors.Is(err, errBroken) {
				t.Errorf("got error %v", err)
			} else {
				wantError(t, err, "reading the feed after position 0")
			}
		}
		store.setFeed(nil)
		s.want(b, "a/1")
	})
}

func TestEventsSince(t *testing.T) {
	onStores(t, func(b *bed) {
		engine, client := adder(b, b.realConfig())
		add(b, client, "a", "b", "c")
		b.eventually("the events are settled", func() bool {
			status, err := engine.FeedStatus(b.Context())
			return err == nil && status.Settled == status.Issued && len(status.Blockers) == 0
		})
		page, err := engine.EventsSince(b.Context(), 1, 1)
		if err != nil || len(page.Events) != 1 || page.Events[0].Instance.ID != "b" || page.Next != 2 || page.Settled != 3 {
			t.Errorf("got %+v, error %v", page, err)
		}
	})
}

// A transaction that has nothing to do with ironflow stalls the feed as long as it lasts. That is said.
func TestStalledFeed(t *testing.T) {
	t.Parallel()
	b := openPostgres(t)
	config := b.realConfig()
	config.FeedStallAfter = 50 * time.Millisecond
	engine, client := adder(b, config)
	s := b.subscribe(engine, 0)
	add(b, client, "a")
	s.want(b, "a/1")

	tx, err := b.db.BeginTx(b.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	var pid int
	if err := tx.QueryRow(`SELECT pg_backend_pid() FROM pg_current_xact_id()`).Scan(&pid); err != nil {
		t.Fatal(err)
	}
	add(b, client, "a")
	b.wantLog("level=WARN", "a transaction stalls the feed", fmt.Sprintf("process %d", pid))
	status, err := engine.FeedStatus(b.Context())
	if err != nil || status.Settled >= status.Issued || len(status.Blockers) == 0 {
		t.Errorf("got %+v, error %v", status, err)
	}
	if text := (&store.FeedStalled{FeedStatus: status, For: time.Minute}).Error(); !strings.Contains(text, "stuck at position 1 for 1m0s") {
		t.Errorf("got %q", text)
	}
	select {
	case e := <-s.events:
		t.Errorf("got %+v", e)
	default:
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	s.want(b, "a/2")
	b.wantLog("level=INFO", "the feed goes on")
}
