//go:build !unix

package load

import "time"

// ProcessorTime is not known here.
func ProcessorTime() time.Duration { return 0 }
