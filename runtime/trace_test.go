package runtime_test

import (
	"fmt"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
)

// An engine without Telemetry keeps the trace that its caller names and hands it on, and takes nothing that is no trace.
func TestWithTrace(t *testing.T) {
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	onStores(t, func(b *bed) {
		engine := b.engine(b.realConfig(), tickets(ticket.Decider{OnOpen: opened(ticket.FindAgent{})}, ticket.Handler{}))
		client := ticket.NewClient(engine)
		out, err := client.Open(b.Context(), ticket.Open{ID: "a", Subject: "a"}, runtime.WithTrace(trace))
		must(b, out, err)
		b.wantTable("trace", "effects", "", trace)
		b.run(engine)
		b.eventually("the result is there", func() bool {
			view, err := client.State(b.Context(), "a")
			return err == nil && view.Version == 2
		})
		why, err := engine.Why(b.Context(), runtime.InstanceKey{Workflow: "ticket", ID: "a"}, 2)
		if err != nil || why.Chain[0].Cause.Trace != trace || why.Chain[1].Cause.Trace != trace {
			b.Errorf("got %+v, %v", why, err)
		}
		for i, invalid := range []string{
			"", "00", trace + "-1", trace[:54] + "A", "ff" + trace[2:], "00-" + "00000000000000000000000000000000" + trace[35:],
			trace[:36] + "0000000000000000-01", trace[:35] + "_" + trace[36:], "-0" + trace[2:],
		} {
			id := fmt.Sprint("invalid ", i)
			out, err := client.Open(b.Context(), ticket.Open{ID: id, Subject: id}, runtime.WithTrace(invalid))
			must(b, out, err)
			why, err := engine.Why(b.Context(), runtime.InstanceKey{Workflow: "ticket", ID: id}, 1)
			if err != nil || why.Chain[0].Cause.Trace != "" {
				b.Errorf("%q: got %+v, %v", invalid, why, err)
			}
		}
	})
}
