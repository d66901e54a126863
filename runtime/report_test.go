package runtime

import (
	"testing"
	"time"
)

// Without Telemetry, a commit that would be reported costs nothing but a comparison.
func TestReportingNoCommitAllocatesNothing(t *testing.T) {
	x := &executor{}
	if n := testing.AllocsPerRun(100, func() { x.report(time.Time{}, CommitReport{}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
