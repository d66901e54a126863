package runtime_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// coreOnly hides every ability of a store.
type coreOnly struct{ runtime.Store }

// A store without any ability runs a workflow with effects and timers to its end, and says nothing of what it lacks.
func TestStoreWithoutAbilities(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.realConfig()
		config.SnapshotEvery = 1
		engine := b.engineOn(coreOnly{b.store}, config, fourEvents())
		stop := b.run(engine)
		if err := addAccount(b, engine, "a"); err != nil {
			b.Fatal(err)
		}
		b.eventuallyTable("version, type", "events", "", "1 Added", "2 AuditPassed", "3 Ticked", "4 LedgerClosed")
		b.wantTable("*", "effects", "")
		b.wantTable("*", "timers", "")
		if err := stop(); err != nil {
			b.Fatal(err)
		}
		if b.log.contains("level=WARN") || b.log.contains("level=ERROR") {
			b.Errorf("the log has warnings")
		}
	})
}

func addAccount(b *bed, engine *runtime.Engine, account string, options ...runtime.ExecuteOption) error {
	out, err := engine.ExecuteDynamic(b.Context(), "ledger", []byte(`{"type":"Add","account":"`+account+`","amount":1}`), options...)
	if err == nil && !out.Accepted() {
		err = errors.New("not accepted")
	}
	return err
}

// wantUnsupported says that an error names the store, the ability that it lacks, and a feature that needs it.
func wantUnsupported(b *bed, err error, ability, feature string) {
	b.Helper()
	var lacks *store.Unsupported
	if !errors.As(err, &lacks) || lacks.Store != "runtime_test.coreOnly" || lacks.Ability != ability || !strings.Contains(lacks.Feature, feature) {
		b.Errorf("got error %v (%+v), want one of %s that %s needs", err, lacks, ability, feature)
		return
	}
	for _, part := range []string{lacks.Store, lacks.Ability, lacks.Feature} {
		if !strings.Contains(err.Error(), part) {
			b.Errorf("the text %q lacks %q", err, part)
		}
	}
}

// What the config or a workflow needs of the store is asked for when the engine is made.
func TestEngineNeedsAbilities(t *testing.T) {
	t.Parallel()
	b := openFile(t)
	plain := func() *runtime.Workflow { return tickets(ticket.Decider{}, ticket.Handler{}) }
	for feature, test := range map[string]struct {
		ability  string
		config   runtime.Config
		workflow *runtime.Workflow
	}{
		"Config.Observe":     {"InputLog", runtime.Config{Observe: func(runtime.InstanceKey, string) bool { return true }}, plain()},
		"Config.Retention":   {"Forgetting", runtime.Config{Retention: runtime.Retention{Discarded: time.Hour}}, plain()},
		"Config.Projections": {"Projections", runtime.Config{Projections: []runtime.AnyProjection{journal{}.on(b)}}, plain()},
		"workflow ticket: schedule nightly": {"Schedules", runtime.Config{}, runtime.WithSchedules(plain(), workflow.ScheduledInput{
			Name: "nightly", Input: "Reopen", Recurrence: workflow.Recurrence{Schedule: "@daily"}, Instance: "a",
		})},
		"workflow ticket: the limit of effect Notify": {"Limits", runtime.Config{}, withLimit(plain(), func(o *workflow.EffectOptions) {
			o.Limit = &workflow.EffectLimit{Global: 1}
		})},
	} {
		engine, err := runtime.NewEngine(coreOnly{b.store}, test.config, test.workflow)
		if engine != nil {
			b.Errorf("%s: NewEngine makes an engine", feature)
		}
		wantUnsupported(b, err, test.ability, feature)
		if _, err := runtime.NewEngine(b.store, test.config, test.workflow); err != nil {
			b.Errorf("%s, on a store that has it: %v", feature, err)
		}
	}
}

// What nothing but a call needs fails when it is called, and stores nothing.
func TestCallsNeedAbilities(t *testing.T) {
	t.Parallel()
	b := openFile(t)
	engine := b.engineOn(coreOnly{b.store}, b.config(newClock()), fourEvents())
	if err := addAccount(b, engine, "a"); err != nil {
		b.Fatal(err)
	}
	key := runtime.InstanceKey{Workflow: "ledger", ID: "a"}
	for name, test := range map[string]struct {
		ability, feature string
		call             func(ctx context.Context) error
	}{
		"WithInputID": {"InputLog", "WithInputID", func(context.Context) error {
			return addAccount(b, engine, "a", runtime.WithInputID("1"))
		}},
		"Observations": {"InputLog", "observation", func(ctx context.Context) error {
			_, err := engine.Observations(ctx, runtime.ObservationQuery{})
			return err
		}},
		"History": {"Inspection", "looking at", func(ctx context.Context) error {
			_, err := engine.History(ctx, key, 0, 10)
			return err
		}},
		"Instances": {"Inspection", "looking at", func(ctx context.Context) error {
			_, err := engine.Instances(ctx, runtime.InstanceQuery{})
			return err
		}},
		"Inspect": {"Inspection", "looking at", func(ctx context.Context) error {
			_, err := engine.Inspect(ctx, key)
			return err
		}},
		"Why": {"Causes", "explaining", func(ctx context.Context) error {
			_, err := engine.Why(ctx, key, 1)
			return err
		}},
		"DeadLetters": {"DeadLetters", "dead letters", func(ctx context.Context) error {
			_, err := engine.DeadLetters(ctx, runtime.DeadLetterQuery{})
			return err
		}},
		"PauseWorkflow": {"Pauses", "pausing", func(ctx context.Context) error {
			return engine.PauseWorkflow(ctx, runtime.Pause{Workflow: "ledger"})
		}},
		"EventsSince": {"Feed", "feed", func(ctx context.Context) error {
			_, err := engine.EventsSince(ctx, 0, 10)
			return err
		}},
		"Subscribe": {"Feed", "feed", func(ctx context.Context) error {
			for _, err := range engine.Subscribe(ctx, 0) {
				return err
			}
			return nil
		}},
	} {
		b.unchanged(func() { wantUnsupported(b, test.call(b.Context()), test.ability, test.feature) })
		if b.Failed() {
			b.Fatalf("%s", name)
		}
	}
	if paused, err := engine.PausedWorkflows(b.Context()); err != nil || len(paused) > 0 {
		b.Errorf("got pauses %v, error %v", paused, err)
	}
	if page, err := engine.DiscardedLetters(b.Context(), runtime.DiscardedQuery{}); err != nil || len(page.Items) > 0 {
		b.Errorf("got discarded letters %v, error %v", page, err)
	}
}
