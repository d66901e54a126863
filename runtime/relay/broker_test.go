package relay_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime"
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

var errDown = fmt.Errorf("the broker is down")
