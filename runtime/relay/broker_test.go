package relay_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/ironflowtest/postgrestest"
	"github.com/ironflow-gen/ironflow/runtime/ironflowtest/sqlitetest"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/relay"
)

func TestMain(m *testing.M) { os.Exit(pgserver.Main(m)) }

// onStores runs a scenario on every store.
func onStores(t *testing.T, scenario func(t *testing.T, st runtime.Store)) {
	t.Parallel()
	for name, open := range map[string]func() runtime.Store{
		"memory":   func() runtime.Store { return memory.New() },
		"sqlite":   func() runtime.Store { return sqlitetest.Open(t) },
		"postgres": func() runtime.Store { return postgrestest.Open(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scenario(t, open())
		})
	}
}

// broker keeps messages. Each engine has a sink of its own for it.
type broker struct {
	mu       sync.Mutex
	messages []relay.Message
	owner    int // of the sink that has opened last: it refuses messages of others

	forgetful bool                          // it does not tell the last message, and takes messages of others
	fault     func(relay.Message) error     // refuses a message; nil for none
	lose      func(stored int) (lost error) // what Publish returns after it stored; nil for none
	calls     int
}

func (b *broker) sink() *sink { return &sink{broker: b} }

// sink is a relay.Sink and a relay.Resetter.
type sink struct {
	*broker
	is int
}

func (s *sink) Open(context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owner++
	s.is = s.owner
	if s.forgetful || len(s.messages) == 0 {
		return "", nil
	}
	return s.messages[len(s.messages)-1].ID, nil
}

func (s *sink) Publish(_ context.Context, messages []relay.Message) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.is != s.owner && !s.forgetful {
		return 0, errors.New("another sink has opened since")
	}
	for i, m := range messages {
		if s.fault != nil {
			if err := s.fault(m); err != nil {
				return i, err
			}
		}
		s.messages = append(s.messages, m)
	}
	if s.lose != nil {
		if err := s.lose(len(messages)); err != nil {
			return 0, err
		}
	}
	return len(messages), nil
}

func (s *sink) Reset(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = nil
	return nil
}

// stored returns the messages.
func (b *broker) stored() []relay.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]relay.Message(nil), b.messages...)
}

// set changes the broker while it is used.
func (b *broker) set(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

// wantOrder says that the broker has n events, each once, and those of each instance in their order. Repeats of an event, which a
// forgetful broker gets, are passed over.
func (b *broker) wantOrder(t *testing.T, n int) {
	t.Helper()
	versions, ids := map[string]int64{}, map[string]bool{}
	for _, m := range b.stored() {
		if ids[m.ID] {
			if !b.forgetful {
				t.Errorf("message %s came twice", m.ID)
			}
			continue
		}
		ids[m.ID] = true
		if m.Event.Version != versions[m.Key]+1 {
			t.Errorf("%s: version %d came after version %d", m.Key, m.Event.Version, versions[m.Key])
		}
		versions[m.Key] = m.Event.Version
	}
	if len(ids) != n {
		t.Errorf("the broker has %d events, want %d", len(ids), n)
	}
}

// relaying returns an engine with a relay.
func relaying(t *testing.T, st runtime.Store, r relay.Relay) (*runtime.Engine, *ledger.Client) {
	t.Helper()
	if r.Name == "" {
		r.Name = "broker"
	}
	r.Retry = runtime.RetryPolicy{Base: time.Millisecond, Max: 20 * time.Millisecond}
	engine, err := runtime.NewEngine(st, runtime.Config{
		Projections: []runtime.AnyProjection{r}, PollInterval: 5 * time.Millisecond, Lease: 300 * time.Millisecond,
	}, ledger.NewWorkflow(ledger.Decider{}, ledger.Evolver{}, ledger.Handler{}))
	if err != nil {
		t.Fatal(err)
	}
	return engine, ledger.NewClient(engine)
}

// run runs an engine until the test ends or stop is called.
func run(t *testing.T, engine *runtime.Engine) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// add adds to ledgers n times.
func add(t *testing.T, client *ledger.Client, account string, n int) {
	t.Helper()
	for range n {
		if outcome, err := client.Add(t.Context(), ledger.Add{Account: account, Amount: 1}); err != nil || !outcome.Accepted() {
			t.Fatal(outcome, err)
		}
	}
}

// await waits until the relay has published all events.
func await(t *testing.T, engine *runtime.Engine) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := engine.AwaitProjection(ctx, "broker"); err != nil {
		t.Fatal(err)
	}
}

// info returns the state of the relay when it is as wanted.
func info(t *testing.T, engine *runtime.Engine, wanted func(runtime.ProjectionInfo) bool) runtime.ProjectionInfo {
	t.Helper()
	var is runtime.ProjectionInfo
	for range 2000 {
		health, err := engine.Health(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if is = health.Projections[0]; wanted(is) {
			return is
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the relay is %+v", is)
	return is
}

var errDown = fmt.Errorf("the broker is down")
