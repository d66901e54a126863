package delivery

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

func TestDeliveryLoggerSaysWhatItIsAbout(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	base := slog.New(slog.NewTextHandler(&out, nil)).With("service", "shop")
	log := newDeliveryLogger(base, &store.Delivery{
		Lease: store.Lease{Queue: store.EffectQueue, Instance: store.InstanceKey{Workflow: "order", ID: "o-1"}},
		Kind:  store.Kind{Workflow: "order", Name: "ChargeCard"}, Attempt: 3,
	})
	log.Warn("failed", "error", "no")
	const want = "level=WARN msg=failed service=shop workflow=order instance=o-1 effect=ChargeCard attempt=3 error=no\n"
	if _, got, _ := strings.Cut(out.String(), " "); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
