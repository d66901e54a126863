package runtime

import (
	"context"
	"log/slog"
	"strings"
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
	return h.Handler.WithAttrs(h.delivery.logAttrs()).Handle(ctx, record)
}

// logAttrs names the delivery in a log.
func (d *Delivery) logAttrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("workflow", d.Kind.Workflow), slog.String("instance", d.Lease.Instance.ID)}
	switch {
	case d.Lease.Queue == EffectQueue:
		attrs = append(attrs, slog.String("effect", d.Kind.Name))
	case d.Lease.Instance.ID == "":
		attrs = append(attrs, slog.String("schedule", strings.TrimPrefix(d.Kind.Name, schedulePrefix)))
	default:
		attrs = append(attrs, slog.String("timer", d.Lease.Key), slog.String("input", d.Kind.Name))
	}
	return append(attrs, slog.Int("attempt", d.Attempt))
}
