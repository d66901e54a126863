package runtime

import (
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// ExecuteOption is an option of one call of Execute: WithInputID, AsOperator, WithTrace or Within. The zero value changes nothing.
type ExecuteOption struct {
	apply func(*commit.Request) error
}

// After returns options with o as the last, so that it is applied after the others. The list that is passed is not changed. Generated clients
// of operators use it.
func (o ExecuteOption) After(options []ExecuteOption) []ExecuteOption {
	return append(options[:len(options):len(options)], o)
}

// WithInputID names an input, so that it is safe to send it again: every repeat returns the first outcome, byte for byte, whether
// the input was accepted, rejected or too late. A call that failed with an error has no outcome: when the input is sent again, it
// is decided then.
//
// An id is unique within an instance. It has 1 to store.MaxIDLength bytes of valid UTF-8 without NUL. If the id was used for
// another input, the error is *InputIDReused. Outcomes are kept for Retention.InputOutcomes; after that the id counts as new.
func WithInputID(id string) ExecuteOption {
	return ExecuteOption{func(r *commit.Request) error {
		r.InputID = id
		return store.CheckIdentifier(store.InputID, id)
	}}
}

// AsOperator says that a person sends the input: who, and why. The decision is stored with both, Why shows them, and the audit log gets a
// record of the input, even if it is rejected. Inputs whose declaration says "from: operator" need it; other inputs may have it, too.
//
// Neither text may be empty. The store must be a store.AuditLog.
func AsOperator(by, reason string) ExecuteOption {
	return ExecuteOption{func(r *commit.Request) error {
		r.Operator = store.Operator{By: by, Reason: reason}
		if strings.TrimSpace(by) == "" || strings.TrimSpace(reason) == "" {
			return &store.InvalidArgument{Argument: "AsOperator", Problem: "needs who sends the input, and why"}
		}
		return store.CheckArgument("AsOperator", r.Operator)
	}}
}

// WithTrace names the trace that the input belongs to, as a W3C traceparent. It is stored with the decision and passed on to its
// effects and timers. Use it if the context does not carry the trace, or if the engine has no Config.Telemetry. An invalid
// traceparent is ignored, as W3C Trace Context requires.
func WithTrace(traceparent string) ExecuteOption {
	return ExecuteOption{func(r *commit.Request) error {
		if validTraceparent(traceparent) {
			r.Trace = traceparent
		}
		return nil
	}}
}

// validTraceparent reports whether a text is a traceparent of version 00, or of a later version without further fields.
func validTraceparent(text string) bool {
	if len(text) != len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01") {
		return false
	}
	for i := range len(text) {
		c := text[i]
		if dash := i == 2 || i == 35 || i == 52; dash != (c == '-') || !dash && (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	const zeros = "00000000000000000000000000000000"
	return text[:2] != "ff" && text[3:35] != zeros && text[36:52] != zeros[:16]
}

// Within decides on the input in the caller's own transaction, which the Tx function of the store's package wraps. The decision
// is stored when the caller commits, together with everything else in the transaction; when the caller rolls back, it is gone.
// Until the commit, the outcome is not final. Effects and timers are delivered after the commit.
//
// The instance is locked until the transaction ends. Other inputs of the instance wait for that, so end the transaction soon. If
// another decision on the instance was stored first, the input is decided again. After an error the transaction is as it was
// before the call and can still be used.
func Within(tx store.Transaction) ExecuteOption {
	return ExecuteOption{func(r *commit.Request) error {
		r.Within = tx
		return nil
	}}
}
