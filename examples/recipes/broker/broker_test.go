package broker

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/ironflow-gen/ironflow/examples/recipes/anyorder"
	"github.com/ironflow-gen/ironflow/examples/recipes/internal/recipetest"
	"github.com/ironflow-gen/ironflow/runtime"
)

// unreliable refuses its third message once, and stops the publisher after the last.
type unreliable struct {
	calls    int
	messages []string
	stop     context.CancelFunc
}

var errBroker = errors.New("the broker is not there")

func (b *unreliable) Publish(ctx context.Context, key, kind string, payload []byte) error {
	if b.calls++; b.calls == 3 {
		return errBroker
	}
	b.messages = append(b.messages, key+" "+kind)
	if kind == "Opened" {
		b.stop()
	}
	return nil
}

type memory struct{ position runtime.FeedPosition }

func (m *memory) Load(context.Context) (runtime.FeedPosition, error) { return m.position, nil }
func (m *memory) Save(_ context.Context, p runtime.FeedPosition) error {
	m.position = p
	return nil
}

func TestPublishAll(t *testing.T) {
	engine := recipetest.Run(t, runtime.Config{}, anyorder.NewWorkflow(anyorder.Decider{}, anyorder.Evolver{}))
	client := anyorder.NewClient(engine)
	for _, part := range []anyorder.Part{anyorder.PartForm, anyorder.PartPassport, anyorder.PartDeposit} {
		if _, err := client.Receive(t.Context(), anyorder.Receive{AccountID: "a-1", Part: part}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	broker, positions := &unreliable{stop: stop}, &memory{}
	if err := PublishAll(ctx, engine, broker, positions); !errors.Is(err, errBroker) {
		t.Fatalf("the first run ends with %v", err)
	}
	if err := PublishAll(ctx, engine, broker, positions); !errors.Is(err, context.Canceled) {
		t.Fatalf("the second run ends with %v", err)
	}
	want := []string{"anyorder/a-1 Received", "anyorder/a-1 Received", "anyorder/a-1 Received", "anyorder/a-1 Opened"}
	if !slices.Equal(broker.messages, want) {
		t.Errorf("got %q, want %q", broker.messages, want)
	}
}
