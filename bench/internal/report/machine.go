package report

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Platform describes what this process runs on.
func Platform() string {
	return fmt.Sprintf("%s, %s/%s, %d cores", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
}

// LoadAverage is the machine's of the last minute, or "" where it is not known.
func LoadAverage() string {
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	average, _, _ := strings.Cut(string(load), " ")
	return average
}
