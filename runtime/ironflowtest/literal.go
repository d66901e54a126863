package ironflowtest

import (
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/ironflowtest/internal/value"
)

// literal writes a value as Go source, with the names of packages.
func literal(v any) string { return value.Literal(v, "") }

// durationSource writes nanoseconds as Go source.
func durationSource(ns int64) string {
	d := time.Duration(ns)
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{time.Hour, "time.Hour"}, {time.Minute, "time.Minute"}, {time.Second, "time.Second"}, {time.Millisecond, "time.Millisecond"}} {
		if d%unit.of == 0 {
			return fmt.Sprintf("%d*%s", d/unit.of, unit.name)
		}
	}
	return fmt.Sprintf("time.Duration(%d)", ns)
}
