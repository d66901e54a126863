package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Engines that come and go while others write apply each event once.
func TestProjectionIsHandedOver(t *testing.T) {
	onStores(t, func(b *bed) {
		const accounts, additions = 3, 40
		var owners sync.Map
		engines := make([]*runtime.Engine, 3)
		var client *ledger.Client
		more := 0
		for i := range engines {
			engines[i], client = b.projecting(b.projectionConfig(), journal{batch: 5, before: func(context.Context, runtime.StoredEvent) error {
				owners.Store(i, true)
				return nil
			}})
		}
		var writing sync.WaitGroup
		for a := range accounts {
			writing.Go(func() {
				for range additions {
					add(b, client, fmt.Sprint("account", a))
					time.Sleep(time.Millisecond)
				}
			})
		}
		// Two run at any time, and the one that has run longest stops.
		projected := func() (n int) {
			owners.Range(func(any, any) bool { n++; return true })
			return n
		}
		stops := []func() error{b.run(engines[0]), b.run(engines[1])}
		for i := 0; i < 9 || projected() < len(engines); i++ {
			if i == 200 {
				t.Fatalf("only %d engines have projected", projected())
			}
			time.Sleep(20 * time.Millisecond)
			if err := stops[0](); err != nil {
				t.Error(err)
			}
			add(b, client, "more")
			more++
			stops = append(stops[1:], b.run(engines[(i+2)%3]))
		}
		writing.Wait()
		b.await(engines[0])
		b.wantExactlyOnce(accounts*additions + more)
	})
}

// wantExactlyOnce says that the journal has n events, each once.
func (b *bed) wantExactlyOnce(n int) {
	b.Helper()
	rows := b.table("sequence, account, version", "journal", "")
	distinct := map[string]bool{}
	for _, row := range rows {
		distinct[row] = true
	}
	if len(rows) != n || len(distinct) != n {
		b.Errorf("the journal has %d rows of %d events, want %d", len(rows), len(distinct), n)
	}
}

// A lease that is much too short is lost all the time. That costs repeated work and nothing else.
func TestProjectionWithLostLeases(t *testing.T) {
	onStores(t, func(b *bed) {
		const engines, events = 3, 30
		config := b.projectionConfig()
		config.Lease = 6 * time.Millisecond
		config.Clock = ownTime{} // what engines know of the database's time is not as good as that
		var client *ledger.Client
		var engine *runtime.Engine
		for range engines {
			engine, client = b.projecting(config, journal{batch: 3, before: func(context.Context, runtime.StoredEvent) error {
				time.Sleep(4 * time.Millisecond)
				return nil
			}, attempts: 1000}) // each lease that is lost costs one, as a crash would
			b.run(engine)
		}
		for range events {
			add(b, client, "a")
		}
		b.await(engine)
		b.wantExactlyOnce(events)
	})
}

// cutOff is a store of which a process reaches everything but the state of projections, so that it does not find out that
// it has lost one.
type cutOff struct {
	*postgres.Store
	is atomic.Bool
}

func (c *cutOff) Projections(ctx context.Context, names ...string) ([]store.ProjectionState, error) {
	if c.is.Load() {
		return nil, errBroken
	}
	return c.Store.Projections(ctx, names...)
}

func (c *cutOff) UpdateProjection(ctx context.Context, name string, update store.ProjectionUpdate) error {
	if c.is.Load() {
		return errBroken
	}
	return c.Store.UpdateProjection(ctx, name, update)
}

// What a process does after it has lost the projection without knowing is refused.
func TestFencedProjection(t *testing.T) {
	t.Parallel()
	b := openPostgres(t)
	config := b.projectionConfig()
	config.Lease = 100 * time.Millisecond
	begun, end := make(chan struct{}), make(chan struct{})
	var once sync.Once
	store := &cutOff{Store: b.store.(*postgres.Store)}
	_, client := b.projecting(config)
	late := config
	late.Projections = []runtime.AnyProjection{journal{before: func(context.Context, runtime.StoredEvent) error {
		once.Do(func() {
			close(begun)
			<-end
		})
		return nil
	}}.on(b)}
	first := b.engineOn(store, late)
	add(b, client, "a", "b")
	b.run(first)
	wait(b, "the batch begins", begun)
	store.is.Store(true)
	second, _ := b.projecting(config, journal{})
	b.run(second)
	// The second waits for nothing of the first: its events were read before, and its rows are others.
	b.await(second)
	b.wantJournal("a/1", "b/1")
	close(end)
	b.wantLog("ironflow: heartbeat of a projection failed")
	b.wantLog("ironflow: giving a projection back failed") // the step of the first has ended
	b.wantJournal("a/1", "b/1")
	store.is.Store(false)
	add(b, client, "c")
	b.await(second)
	b.wantJournal("a/1", "b/1", "c/1")
}

// died leaves the projection as a process does that was killed in the middle of a step.
func (b *bed) died(engine *runtime.Engine, lease time.Duration, attempts int) {
	b.Helper()
	until := fmt.Sprint(time.Now().Add(lease).UnixMicro())
	if b.prefix != "ironflow_" {
		until = "to_timestamp(" + until + " / 1e6)"
	}
	b.exec("UPDATE {p}projections SET owner = 'dead', token = token + 1, attempts = %d, lease_until = %s", attempts, until)
}

func TestProjectionOfADeadProcess(t *testing.T) {
	onStores(t, func(b *bed) {
		engine, client := b.projecting(b.projectionConfig(), journal{})
		add(b, client, "a", "b")
		stop := b.run(engine)
		b.await(engine)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		const lease = 300 * time.Millisecond
		killed := time.Now()
		b.died(engine, lease, 0)
		add(b, client, "a", "c")
		b.run(engine)
		b.await(engine)
		if waited := time.Since(killed); waited < lease || waited > lease+5*time.Second {
			t.Errorf("taken over after %v", waited)
		}
		b.wantJournal("a/1", "b/1", "a/2", "c/1")
	})
}

// An event that ends its process each time is not tried for ever.
func TestEventThatKillsItsProcess(t *testing.T) {
	onStores(t, func(b *bed) {
		tried := false
		engine, client := b.projecting(b.projectionConfig(), journal{before: func(context.Context, runtime.StoredEvent) error {
			tried = true
			return nil
		}})
		add(b, client, "a")
		if err := engine.PauseProjection(b.Context(), "journal"); err != nil { // so that there is a row
			t.Fatal(err)
		}
		if err := engine.ResumeProjection(b.Context(), "journal"); err != nil {
			t.Fatal(err)
		}
		b.died(engine, 0, 3)
		stop := b.run(engine)
		info := b.awaitInfo(engine, "it stops", stopped)
		wantError(t, errors.New(info.LastError), "event 1 (Added of ledger/a, version 1)", "gave up after 3 attempts", "did not report back")
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if tried {
			t.Error("it was tried once more")
		}
	})
}

func TestAttemptsAreCountedBeforeTheyAreMade(t *testing.T) {
	onStores(t, func(b *bed) {
		var counted []string
		engine, client := b.projecting(b.projectionConfig(), journal{batch: 2, before: func(ctx context.Context, e runtime.StoredEvent) error {
			if b.prefix != "ironflow_" { // what is stored can be seen from here
				counted = append(counted, b.table("attempts", "projections", "")...)
			}
			return nil
		}})
		add(b, client, "a", "b", "c", "d")
		if err := engine.ResumeProjection(b.Context(), "journal"); err != nil {
			t.Fatal(err)
		}
		b.died(engine, 0, 0)
		stop := b.run(engine)
		b.await(engine)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		// After a death as many events as a batch may have come one by one.
		if got := strings.Join(counted, " "); got != "" && got != "1 1 0 0" {
			t.Errorf("attempts before each event: %s", got)
		}
		b.wantJournal("a/1", "b/1", "c/1", "d/1")
	})
}
