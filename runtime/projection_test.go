package runtime_test

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	goruntime "runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// journal is a projection that writes a row for each event into the table journal, in whatever store.
type journal struct {
	name    string
	before  func(ctx context.Context, event runtime.StoredEvent) error // before it writes; may fail
	filters []runtime.EventFilter
	batch   int
	noReset bool

	attempts int           // at an event; 0 is 3
	timeout  time.Duration // of a step
}

func (j journal) on(b *bed) runtime.AnyProjection { return j.in(b.store, b.prefix) }

func (j journal) in(store runtime.Store, prefix string) runtime.AnyProjection {
	switch store.(type) {
	case *postgres.Store:
		return journalIn(j, prefix, func(ctx context.Context, tx pgx.Tx, statement string) error {
			_, err := tx.Exec(ctx, statement)
			return err
		})
	case *sqlite.Store:
		return journalIn(j, prefix, func(ctx context.Context, tx *sql.Tx, statement string) error {
			_, err := tx.ExecContext(ctx, statement)
			return err
		})
	}
	panic(fmt.Sprintf("no projections on %T", store))
}

func journalIn[Tx any](j journal, prefix string, exec func(context.Context, Tx, string) error) runtime.AnyProjection {
	if j.name == "" {
		j.name = "journal"
	}
	p := runtime.Projection[Tx]{
		Name:    j.name,
		Filters: j.filters,
		Apply: func(ctx context.Context, tx Tx, e runtime.StoredEvent) error {
			if j.before != nil {
				if err := j.before(ctx, e); err != nil {
					return err
				}
			}
			return exec(ctx, tx, fmt.Sprintf(`INSERT INTO %sjournal VALUES (%d, '%s', %d)`, prefix, e.GlobalSequence, e.Instance.ID, e.Version))
		},
		Reset:     func(ctx context.Context, tx Tx) error { return exec(ctx, tx, `DELETE FROM `+prefix+`journal`) },
		BatchSize: j.batch,
		Timeout:   j.timeout,
		Retry:     runtime.RetryPolicy{MaxAttempts: cmp.Or(j.attempts, 3), Base: time.Millisecond, Max: 5 * time.Millisecond},
	}
	if j.noReset {
		p.Reset = nil
	}
	return p
}

func (b *bed) makeJournal() {
	b.Helper()
	b.exec("CREATE TABLE IF NOT EXISTS {p}journal (sequence bigint NOT NULL, account text NOT NULL, version bigint NOT NULL)")
}

// projecting makes an engine that runs journals; the first call for a bed makes their table.
func (b *bed) projecting(config runtime.Config, journals ...journal) (*runtime.Engine, *ledger.Client) {
	b.Helper()
	b.makeJournal()
	for _, j := range journals {
		config.Projections = append(config.Projections, j.on(b))
	}
	return adder(b, config)
}

func (b *bed) projectionConfig() runtime.Config {
	config := b.realConfig()
	config.Lease = 2 * time.Second
	return config
}

// wantJournal says which events the journal has, as account/version in the order of the feed, each once.
func (b *bed) wantJournal(want ...string) {
	b.Helper()
	var got []string
	for _, row := range b.table("account, version", "journal", "ORDER BY sequence") {
		got = append(got, strings.ReplaceAll(row, " ", "/"))
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		b.Errorf("the journal has %q, want %q", got, want)
	}
}

func (b *bed) await(engine *runtime.Engine) {
	b.Helper()
	b.awaitProjection(engine, "journal")
}

func (b *bed) awaitProjection(engine *runtime.Engine, name string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 20*time.Second)
	defer cancel()
	if err := engine.AwaitProjection(ctx, name); err != nil {
		b.Fatal(err)
	}
}

// awaitInfo waits until the journal is as wanted.
func (b *bed) awaitInfo(engine *runtime.Engine, what string, is func(runtime.ProjectionInfo) bool) (info runtime.ProjectionInfo) {
	b.Helper()
	b.eventually(what, func() bool {
		var err error
		if info, err = engine.Projection(b.Context(), "journal"); err != nil {
			b.Fatal(err)
		}
		return is(info)
	})
	return info
}

func stopped(info runtime.ProjectionInfo) bool { return info.Status == store.ProjectionStopped }

func TestProjection(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.projectionConfig()
		config.PollInterval = 100 * time.Millisecond
		engine, client := b.projecting(config, journal{batch: 2})
		add(b, client, "a", "b", "a")
		info := b.awaitInfo(engine, "the events are settled", func(i runtime.ProjectionInfo) bool { return i.Behind == 3 && i.Delay > 0 })
		if info.Position != 0 || info.Owner != "" || !info.Registered || info.Status != store.ProjectionRunning {
			t.Errorf("before it runs: %+v", info)
		}
		b.wantJournal()
		stop := b.run(engine)
		b.await(engine)
		b.wantJournal("a/1", "b/1", "a/2")
		add(b, client, "b", "b", "c")
		b.await(engine)
		b.wantJournal("a/1", "b/1", "a/2", "b/2", "b/3", "c/1")
		info = b.awaitInfo(engine, "it is up to date", func(i runtime.ProjectionInfo) bool { return i.Behind == 0 })
		if info.Delay != 0 || info.Owner == "" || info.EventAt.IsZero() || info.LastError != "" {
			t.Errorf("while it runs: %+v", info)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		info = b.awaitInfo(engine, "it is given back", func(i runtime.ProjectionInfo) bool { return i.Owner == "" })
		add(b, client, "a")
		b.run(engine)
		b.await(engine)
		b.wantJournal("a/1", "b/1", "a/2", "b/2", "b/3", "c/1", "a/3")
	})
}

func TestProjectionWithFilter(t *testing.T) {
	onStores(t, func(b *bed) {
		engine, client := b.projecting(b.projectionConfig(),
			journal{filters: []runtime.EventFilter{{Workflow: "ledger", Types: []string{"LedgerClosed"}}}})
		b.run(engine)
		for _, account := range []string{"a", "b"} {
			add(b, client, account, account)
			outcome, err := client.Close(b.Context(), ledger.Close{Account: account})
			must(b, outcome, err)
			add(b, client, account+"2")
		}
		b.await(engine)
		b.wantJournal("a/3", "b/3")
		b.awaitInfo(engine, "the position is behind what was not wanted", func(i runtime.ProjectionInfo) bool { return i.Behind == 0 })
	})
}

func TestPoisonEvent(t *testing.T) {
	onStores(t, func(b *bed) {
		var mended atomic.Bool
		var tries atomic.Int64
		engine, client := b.projecting(b.projectionConfig(), journal{before: func(_ context.Context, e runtime.StoredEvent) error {
			if strings.HasPrefix(e.Instance.ID, "bad") && !mended.Load() {
				tries.Add(1)
				return errBroken
			}
			return nil
		}})
		add(b, client, "a", "bad", "b", "bad2", "c")
		b.run(engine)
		info := b.awaitInfo(engine, "it stops", stopped)
		b.wantJournal("a/1")
		// The batch, and then three attempts at the event.
		if tries.Load() != 4 || info.Attempts != 3 || info.Position+1 != info.StoppedAt || info.Owner != "" || info.Behind != 4 {
			t.Errorf("%d tries, %+v", tries.Load(), info)
		}
		wantError(t, errors.New(info.LastError), "attempt 3 of 3", "event 2 (Added of ledger/bad, version 1)", errBroken.Error())
		b.wantLog("level=ERROR", "projection stopped", "projection=journal", "stopped_at=2")
		var halted *runtime.ProjectionHalted
		if err := engine.AwaitProjection(b.Context(), "journal"); !errors.As(err, &halted) || halted.StoppedAt != 2 {
			t.Errorf("AwaitProjection: got error %v", err)
		}

		wantError(t, engine.SkipProjectionEvent(b.Context(), "journal", 3), "the event is 3, and the projection has stopped at 2")
		if err := engine.SkipProjectionEvent(b.Context(), "journal", 2); err != nil {
			t.Fatal(err)
		}
		info = b.awaitInfo(engine, "it stops at the next", func(i runtime.ProjectionInfo) bool { return i.StoppedAt == 4 })
		b.wantJournal("a/1", "b/1")
		if info.Skipped != 1 {
			t.Errorf("got %+v", info)
		}
		mended.Store(true)
		if err := engine.ResumeProjection(b.Context(), "journal"); err != nil {
			t.Fatal(err)
		}
		b.await(engine)
		b.wantJournal("a/1", "b/1", "bad2/1", "c/1")
		info = b.awaitInfo(engine, "it runs", func(i runtime.ProjectionInfo) bool { return i.Status == store.ProjectionRunning })
		if info.Attempts != 0 || info.LastError != "" || info.StoppedAt != 0 {
			t.Errorf("got %+v", info)
		}
		wantError(t, engine.SkipProjectionEvent(b.Context(), "journal", 2), "the projection is running and has not stopped at an event")
	})
}

func TestHowAProjectionFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before func(context.Context, runtime.StoredEvent) error
		says   []string
	}{
		"permanent": {func(context.Context, runtime.StoredEvent) error { return runtime.Permanent(errBroken) },
			[]string{"attempt 1 of 3", errBroken.Error()}},
		"panic": {func(context.Context, runtime.StoredEvent) error { panic("oh") },
			[]string{"attempt 3 of 3", "projection journal panicked: oh"}},
		"goexit": {func(context.Context, runtime.StoredEvent) error { goruntime.Goexit(); return nil },
			[]string{"attempt 3 of 3", "ended its goroutine"}},
	} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				engine, client := b.projecting(b.projectionConfig(), journal{before: test.before})
				add(b, client, "a")
				b.run(engine)
				info := b.awaitInfo(engine, "it stops", stopped)
				wantError(b.T, errors.New(info.LastError), test.says...)
				b.wantJournal()
			})
		})
	}
}

func TestRetriedProjection(t *testing.T) {
	onStores(t, func(b *bed) {
		var tries atomic.Int64
		engine, client := b.projecting(b.projectionConfig(), journal{before: func(_ context.Context, e runtime.StoredEvent) error {
			if e.Instance.ID == "slow" && tries.Add(1) < 4 {
				return runtime.RetryAfter(errBroken, time.Millisecond)
			}
			return nil
		}})
		add(b, client, "a", "slow", "b")
		b.run(engine)
		b.await(engine)
		b.wantJournal("a/1", "slow/1", "b/1")
		b.wantLog("a step of a projection failed", "attempt=2", errBroken.Error())
	})
}

// A twin that runs on shows that the paused one would have applied the event.
func TestPauseProjection(t *testing.T) {
	onStores(t, func(b *bed) {
		engine, client := b.projecting(b.projectionConfig(), journal{}, journal{name: "twin"})
		operator, _ := b.projecting(b.projectionConfig()) // another process, which does not have it
		add(b, client, "a")
		b.run(engine)
		b.await(engine)
		if err := operator.PauseProjection(b.Context(), "journal"); err != nil {
			t.Fatal(err)
		}
		add(b, client, "b")
		b.awaitProjection(engine, "twin")
		b.wantJournal("a/1", "a/1", "b/1")
		info, err := operator.Projection(b.Context(), "journal")
		if err != nil || info.Status != store.ProjectionPaused || info.Owner != "" || info.Registered {
			t.Errorf("got %+v, error %v", info, err)
		}
		if err := operator.ResumeProjection(b.Context(), "journal"); err != nil {
			t.Fatal(err)
		}
		b.await(operator)
		b.wantJournal("a/1", "a/1", "b/1", "b/1")
	})
}

// A batch that is under way when the projection is paused does not count, and is told so.
func TestPauseInTheMiddle(t *testing.T) {
	onStores(t, func(b *bed) {
		if b.prefix == "ironflow_" {
			return // nobody gets at the tables while the batch is open
		}
		begun, cause := make(chan struct{}), make(chan error, 1)
		var once sync.Once
		var applied atomic.Int32
		engine, client := b.projecting(b.projectionConfig(), journal{before: func(ctx context.Context, e runtime.StoredEvent) (err error) {
			applied.Add(1)
			once.Do(func() {
				close(begun)
				<-ctx.Done()
				cause <- context.Cause(ctx)
				err = ctx.Err()
			})
			return err
		}})
		add(b, client, "a")
		b.run(engine)
		wait(b, "the batch begins", begun)
		if err := engine.PauseProjection(b.Context(), "journal"); err != nil {
			t.Fatal(err)
		}
		wantError(t, wait(b, "the batch ends", cause), "taken over")
		b.wantJournal()
		if err := engine.ResumeProjection(b.Context(), "journal"); err != nil {
			t.Fatal(err)
		}
		b.await(engine)
		b.wantJournal("a/1")
		if info, _ := engine.Projection(b.Context(), "journal"); info.Attempts != 0 || applied.Load() != 2 {
			t.Errorf("got %+v, applied %d times", info, applied.Load())
		}
	})
}

func TestRebuildProjection(t *testing.T) {
	onStores(t, func(b *bed) {
		var poison atomic.Bool
		engine, client := b.projecting(b.projectionConfig(), journal{batch: 2, before: func(_ context.Context, e runtime.StoredEvent) error {
			if poison.Load() && e.Instance.ID == "b" {
				return runtime.Permanent(errBroken)
			}
			return nil
		}})
		add(b, client, "a", "b", "c")
		stop := b.run(engine)
		b.await(engine)
		b.exec("INSERT INTO {p}journal VALUES (99, 'wrong', 1)")
		if err := engine.RebuildProjection(b.Context(), "journal"); err != nil {
			t.Fatal(err)
		}
		b.await(engine)
		b.wantJournal("a/1", "b/1", "c/1")

		poison.Store(true)
		add(b, client, "b")
		b.awaitInfo(engine, "it stops", stopped)
		poison.Store(false)
		if err := engine.RebuildProjection(b.Context(), "journal"); err != nil {
			t.Fatal(err)
		}
		b.await(engine)
		b.wantJournal("a/1", "b/1", "c/1", "b/2")
		if err := stop(); err != nil {
			t.Fatal(err)
		}

		without, _ := b.projecting(b.projectionConfig(), journal{noReset: true})
		wantError(t, without.RebuildProjection(b.Context(), "journal"), `"journal"`, "has no Reset")
		// Ordered where nobody knows better.
		operator, _ := b.projecting(b.projectionConfig())
		if err := operator.RebuildProjection(b.Context(), "journal"); err != nil {
			t.Fatal(err)
		}
		b.run(without)
		info := b.awaitInfo(without, "it stops", stopped)
		wantError(t, errors.New(info.LastError), "has no Reset")
		b.wantJournal("a/1", "b/1", "c/1", "b/2")
	})
}

func TestStuckProjection(t *testing.T) {
	t.Parallel()
	b := openFile(t)
	begun, end := make(chan struct{}), make(chan struct{})
	config := b.projectionConfig()
	config.StopTimeout = time.Millisecond
	engine, client := b.projecting(config, journal{before: func(context.Context, runtime.StoredEvent) error {
		close(begun)
		<-end
		return nil
	}})
	add(b, client, "a")
	stop := b.run(engine)
	wait(b, "the batch begins", begun)
	wantError(t, stop(), "ignore their cancelled context", "projection journal")
	close(end)
	b.eventually("the projection is given back", func() bool {
		return strings.Join(b.table("owner, position", "projections", ""), "") == "- 0"
	})
}

func TestUnknownProjection(t *testing.T) {
	onStores(t, func(b *bed) {
		engine, _ := b.projecting(b.projectionConfig(), journal{})
		for what, call := range map[string]func() error{
			"Pause":   func() error { return engine.PauseProjection(b.Context(), "jurnal") },
			"Resume":  func() error { return engine.ResumeProjection(b.Context(), "jurnal") },
			"Rebuild": func() error { return engine.RebuildProjection(b.Context(), "jurnal") },
			"Skip":    func() error { return engine.SkipProjectionEvent(b.Context(), "jurnal", 1) },
			"Await":   func() error { return engine.AwaitProjection(b.Context(), "jurnal") },
			"Projection": func() error {
				_, err := engine.Projection(b.Context(), "jurnal")
				return err
			},
		} {
			var unknown *runtime.UnknownProjection
			if err := call(); !errors.As(err, &unknown) {
				t.Errorf("%s: got error %v", what, err)
			} else {
				wantError(t, err, `no projection "jurnal" (there are: journal); add it to`)
			}
		}
		b.wantTable("name", "projections", "")
		_, err := b.engine(b.config(newClock()), ledgers(ledger.Decider{}, ledger.Handler{})).Projection(b.Context(), "journal")
		wantError(t, err, `no projection "journal" (there are none); add it to`)
	})
}

func TestProjectionMistakes(t *testing.T) {
	t.Parallel()
	store, err := sqlite.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, store)
	type projection = runtime.Projection[*sql.Tx]
	apply := func(context.Context, *sql.Tx, runtime.StoredEvent) error { return nil }
	good := projection{Name: "p", Apply: apply}
	for name, test := range map[string]struct {
		projections []runtime.AnyProjection
		says        string
	}{
		"no name":      {[]runtime.AnyProjection{projection{Apply: apply}}, "name of a projection is empty"},
		"no apply":     {[]runtime.AnyProjection{projection{Name: "p"}}, `projection "p": set exactly one of Apply and ApplyBatch`},
		"nil":          {[]runtime.AnyProjection{nil}, "a projection is nil"},
		"twice":        {[]runtime.AnyProjection{good, good}, `projection "p" is registered twice`},
		"batch":        {[]runtime.AnyProjection{projection{Name: "p", Apply: apply, BatchSize: -1}}, "its BatchSize is -1"},
		"filter":       {[]runtime.AnyProjection{projection{Name: "p", Apply: apply, Filters: []runtime.EventFilter{{}}}}, "EventFilter has no Workflow"},
		"retry":        {[]runtime.AnyProjection{projection{Name: "p", Apply: apply, Retry: runtime.RetryPolicy{MaxAttempts: -1}}}, "its Retry is"},
		"wrong store":  {[]runtime.AnyProjection{runtime.Projection[pgx.Tx]{Name: "p", Apply: func(context.Context, pgx.Tx, runtime.StoredEvent) error { return nil }}}, "*sqlite.Store"},
		"nothing else": {[]runtime.AnyProjection{good}, ""},
	} {
		_, err := runtime.NewEngine(store, runtime.Config{Projections: test.projections})
		if test.says == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got error %v, want %q", name, err, test.says)
		}
	}
}
