package telemetry

import (
	"context"
	"log/slog"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
)

// boundedHandler shortens long texts of a record, so that an error of many megabytes does not become one line of a log. It calls
// the next handler on a separate goroutine: a handler that panics, or ends its goroutine as t.Fatal does, ends no goroutine of
// the engine.
type boundedHandler struct{ slog.Handler }

// GuardLogger returns the logger that the engine writes to.
func GuardLogger(logger *slog.Logger) *slog.Logger {
	if _, is := logger.Handler().(boundedHandler); is {
		return logger
	}
	return slog.New(boundedHandler{logger.Handler()})
}

// Handle implements slog.Handler.
func (h boundedHandler) Handle(ctx context.Context, record slog.Record) error {
	bounded := slog.NewRecord(record.Time, record.Level, record.Message, record.PC)
	record.Attrs(func(a slog.Attr) bool {
		bounded.AddAttrs(boundedAttr(a))
		return true
	})
	return usererr.Apart(func() (err error) {
		defer usererr.RecoverTo(&err, "the handler of ", "Config.Logger")
		return h.Handler.Handle(ctx, bounded)
	})
}

// WithAttrs implements slog.Handler.
func (h boundedHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return boundedHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h boundedHandler) WithGroup(name string) slog.Handler {
	return boundedHandler{h.Handler.WithGroup(name)}
}

// boundedAttr shortens the text of an attribute. An error whose text is short enough stays an error, for handlers that inspect
// it.
func boundedAttr(a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		return slog.String(a.Key, usererr.Bound(a.Value.String()))
	case slog.KindAny:
		if err, is := a.Value.Any().(error); is && err != nil {
			if text := err.Error(); usererr.Bound(text) != text {
				return slog.String(a.Key, usererr.Bound(text))
			}
		}
	}
	return a
}
