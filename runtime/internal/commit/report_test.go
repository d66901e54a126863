package commit

import (
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// Without Telemetry, a commit that would be reported costs nothing but a comparison.
func TestReportingNoCommitAllocatesNothing(t *testing.T) {
	x := &Executor{}
	if n := testing.AllocsPerRun(100, func() { x.report(time.Time{}, telemetry.CommitReport{}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
