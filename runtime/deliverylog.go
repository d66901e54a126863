package runtime

import (
	"context"
	"log/slog"
)

// deliveryHandler adds to each record what delivery it is about. It looks at the delivery only when there is something to
// log, which is seldom: a logger that was given the attributes before cost a twentieth of the work on a delivery.
type deliveryHandler struct {
	slog.Handler
	delivery *Delivery
}

func newDeliveryLogger(logger *slog.Logger, d *Delivery) *slog.Logger {
	return slog.New(deliveryHandler{logger.Handler(), d})
}

// Handle implements slog.Handler.
func (h deliveryHandler) Handle(ctx context.Context, record slog.Record) error {
	d := h.delivery
	return h.Handler.WithAttrs([]slog.Attr{
		slog.String("workflow", d.Kind.Workflow),
		slog.String("instance", d.Lease.Instance.ID),
		slog.String(d.Lease.Queue.singular(), d.Kind.Name),
		slog.Int("attempt", d.Attempt),
	}).Handle(ctx, record)
}
