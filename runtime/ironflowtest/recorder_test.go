package ironflowtest_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// recorder is a test whose failures are looked at.
type recorder struct {
	failures []string
	cleanups []func()
}

func (r *recorder) Helper()                         {}
func (r *recorder) Cleanup(f func())                { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Logf(format string, args ...any) {}
func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// failures runs a test as package testing does, and returns what it failed with.
func failures(test func(*recorder)) string {
	r := &recorder{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			for _, f := range r.cleanups {
				f()
			}
		}()
		test(r)
	}()
	<-done
	return strings.Join(r.failures, "\n")
}

func wantFailure(t *testing.T, got string, want ...string) {
	t.Helper()
	if got == "" {
		t.Fatalf("the test passes, want a failure with %q", want)
	}
	for _, part := range want {
		if !strings.Contains(got, part) {
			t.Errorf("got the failure\n%s\nwhich lacks %q", got, part)
		}
	}
}
