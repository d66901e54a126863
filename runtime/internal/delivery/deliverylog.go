package delivery

import (
	"context"
	"log/slog"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// deliveryHandler adds the names of a delivery to each record. It makes the attributes only when there is something to log, which is
// seldom: to make them for each delivery cost a twentieth of the work on it.
type deliveryHandler struct {
	slog.Handler
	delivery *store.Delivery
}

func newDeliveryLogger(logger *slog.Logger, d *store.Delivery) *slog.Logger {
	return slog.New(deliveryHandler{logger.Handler(), d})
}

// Handle implements slog.Handler.
func (h deliveryHandler) Handle(ctx context.Context, record slog.Record) error {
	return h.Handler.WithAttrs(logAttrs(h.delivery)).Handle(ctx, record)
}

// logAttrs names a delivery.
func logAttrs(d *store.Delivery) []slog.Attr {
	attrs := []slog.Attr{slog.String("workflow", d.Kind.Workflow), slog.String("instance", d.Lease.Instance.ID)}
	schedule, scheduled := d.Kind.Schedule()
	switch {
	case d.Lease.Queue == store.EffectQueue:
		attrs = append(attrs, slog.String("effect", d.Kind.Name))
	case scheduled:
		attrs = append(attrs, slog.String("schedule", schedule))
	default:
		attrs = append(attrs, slog.String("timer", d.Lease.Key), slog.String("input", d.Kind.Name))
	}
	return append(attrs, slog.Int("attempt", d.Attempt))
}
