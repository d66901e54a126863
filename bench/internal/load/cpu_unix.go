//go:build unix

package load

import (
	"syscall"
	"time"
)

// ProcessorTime is the time that processors have worked for this process.
func ProcessorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
