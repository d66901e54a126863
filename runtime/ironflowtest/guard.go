package ironflowtest

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// The limits of one call of user code that should do no more than look at its arguments.
const (
	callLimit   = 5 * time.Second
	memoryLimit = 1 << 30 // bytes that the heap may grow meanwhile
	callTick    = 20 * time.Millisecond
)

// bounded calls user code, and fails the test when the call does not return within callLimit, leaves goroutines behind or ends its
// goroutine. A call that allocates without end cannot be stopped, so that it ends the process.
func bounded(t TB, user string, call func()) {
	t.Helper()
	mark := strconv.FormatInt(calls.Add(1), 10)
	before := runtime.NumGoroutine()
	done := make(chan bool, 1)
	go func() {
		returned := false
		defer func() { done <- returned }()
		pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels(callLabel, mark)))
		call()
		returned = true
	}()
	if !wait(t, user, done) {
		t.Fatalf("%s ends its goroutine, as runtime.Goexit and the methods Fatal and Skip of a test do. It has to return.", user)
	}
	if runtime.NumGoroutine() > before && leaves(mark) {
		t.Fatalf("%s starts a goroutine that goes on after it has returned. It may only look at its arguments: work is for effects.", user)
	}
}

const callLabel = "ironflowtest call"

var calls atomic.Int64

// wait waits for the end of a call, and returns whether it has returned.
func wait(t TB, user string, done <-chan bool) bool {
	t.Helper()
	select {
	case returned := <-done:
		return returned
	default:
	}
	heap := heapBytes()
	tick := time.NewTicker(callTick)
	defer tick.Stop()
	for limit := time.After(callLimit); ; {
		select {
		case returned := <-done:
			return returned
		case <-limit:
			t.Fatalf("%s does not return: it was called %v ago. Look for a loop without end, a sleep, or a wait for a lock or a channel.",
				user, callLimit)
		case <-tick.C:
			endHoarding(user, heap)
		}
	}
}

// endHoarding ends the process when user code that does not return has made the heap grow by memoryLimit. before is the heap when it was called.
func endHoarding(user string, before uint64) {
	if grown := heapBytes(); grown > before+memoryLimit {
		fmt.Fprintf(os.Stderr, "ironflowtest: %s allocates without end: %d MiB so far. It cannot be stopped, so this process ends.\n",
			user, (grown-before)>>20)
		os.Exit(1)
	}
}

func heapBytes() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// leaves reports whether a goroutine that was started by a call is still there after a moment.
func leaves(mark string) bool {
	label := fmt.Sprintf("%q:%q", callLabel, mark)
	for range 5 {
		var profile strings.Builder
		if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil || !strings.Contains(profile.String(), label) {
			return false
		}
		time.Sleep(time.Millisecond)
	}
	return true
}
