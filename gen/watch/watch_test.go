package watch_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ironflow-gen/ironflow/gen/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// watched is a directory that is being watched.
type watched struct {
	t    *testing.T
	dir  string
	runs atomic.Int64
	fail atomic.Bool
	stop func()
}

const interval = 5 * time.Millisecond

func start(t *testing.T) *watched {
	w := &watched{t: t, dir: t.TempDir()}
	w.write("a", "1")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		watch.Watcher{
			Files: func() ([]string, error) {
				if w.fail.Load() {
					return nil, errors.New("cannot look")
				}
				return filepath.Glob(filepath.Join(w.dir, "*"))
			},
			Run:      func() { w.runs.Add(1) },
			Interval: interval,
		}.Watch(ctx)
	}()
	w.stop = func() { cancel(); <-done }
	t.Cleanup(w.stop)
	w.expect(1)
	return w
}

func (w *watched) write(name, content string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// expect waits for as many runs in all, and then long enough to see one too many.
func (w *watched) expect(runs int64) {
	w.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for w.runs.Load() < runs && time.Now().Before(deadline) {
		time.Sleep(interval)
	}
	time.Sleep(10 * interval)
	if got := w.runs.Load(); got != runs {
		w.t.Fatalf("there were %d runs, want %d", got, runs)
	}
}

func TestWatch(t *testing.T) {
	w := start(t)
	w.write("a", "2") // of the same size, and perhaps at the same time
	w.expect(2)
	w.write("b", "new")
	w.expect(3)
	if err := os.Rename(filepath.Join(w.dir, "b"), filepath.Join(w.dir, "a")); err != nil { // as editors save
		t.Fatal(err)
	}
	w.expect(4)
	if err := os.Remove(filepath.Join(w.dir, "a")); err != nil {
		t.Fatal(err)
	}
	w.expect(5)
	w.fail.Store(true)
	w.expect(6)
	w.fail.Store(false)
	w.expect(7)
}

func TestTouchIsNoChange(t *testing.T) {
	w := start(t)
	now := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(w.dir, "a"), now, now); err != nil {
		t.Fatal(err)
	}
	same := filepath.Join(t.TempDir(), "a") // a look must not see the file between its truncation and its content
	if err := os.WriteFile(same, []byte("1"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(same, filepath.Join(w.dir, "a")); err != nil {
		t.Fatal(err)
	}
	w.expect(1)
}

// TestManyChangesAreOneRun writes without a pause that is long enough for a look to see nothing new.
func TestManyChangesAreOneRun(t *testing.T) {
	w := start(t)
	pauses, last := int64(0), time.Now() // a machine that is busy elsewhere makes pauses of its own
	for end := last.Add(20 * interval); time.Now().Before(end); {
		w.write("a", time.Now().String())
		if time.Since(last) > interval {
			pauses++
		}
		last = time.Now()
		time.Sleep(interval / 10)
	}
	deadline := time.Now().Add(10 * time.Second)
	for w.runs.Load() < 2 && time.Now().Before(deadline) {
		time.Sleep(interval)
	}
	time.Sleep(10 * interval)
	if got := w.runs.Load(); got < 2 || got > 5+pauses {
		t.Errorf("there were %d runs, and %d pauses", got, pauses)
	}
}

func TestStops(t *testing.T) {
	w := start(t)
	w.stop()
	w.write("a", "2")
	w.expect(1)
}
