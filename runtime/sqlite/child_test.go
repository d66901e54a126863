package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// What only another process can show is shown by this test binary, run again with a job in its environment.
const (
	jobVariable  = "IRONFLOW_SQLITE_TEST_JOB"
	pathVariable = "IRONFLOW_SQLITE_TEST_PATH"
)

// jobs of a child, over the store that it opens.
var jobs = map[string]func(*Store) error{
	"open": func(*Store) error { return nil },

	// append adds to one instance that others append to as well.
	"append": func(s *Store) error {
		for range appendsOfChild {
			if err := appendOne(context.Background(), s, key("shared")); err != nil {
				return err
			}
		}
		return nil
	},

	// write commits to a few instances until it is killed, and says so after each.
	"write": func(s *Store) error {
		var group sync.WaitGroup
		errs := make(chan error, writers)
		for n := range writers {
			group.Go(func() { errs <- write(s, n) })
		}
		group.Wait()
		return <-errs
	},
}

const (
	appendsOfChild = 150
	writers        = 4
)

func runAsChild() bool {
	job, ok := jobs[os.Getenv(jobVariable)]
	if !ok {
		return false
	}
	s, err := Open(context.Background(), os.Getenv(pathVariable))
	if err == nil {
		err = errors.Join(job(s), s.Close())
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	return true
}

func child(t *testing.T, job, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), jobVariable+"="+job, pathVariable+"="+path)
	return cmd
}

func key(id string) store.InstanceKey { return store.InstanceKey{Workflow: "order", ID: id} }

var now = time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC)

func event(payload string) []store.NewEvent {
	return []store.NewEvent{{Type: "Noted", SchemaVersion: 1, Payload: []byte(payload)}}
}

// appendOne appends one event, whoever else does at the same time.
func appendOne(ctx context.Context, s *Store, instance store.InstanceKey) error {
	for {
		version, err := versionNow(ctx, s, instance)
		if err != nil {
			return err
		}
		err = s.Append(ctx, store.Batch{Commit: 1, Changes: []store.Change{{
			Instance: instance, Version: version, Now: now, Events: event(`{}`),
		}}})
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// versionNow is the version of an instance as it is read.
func versionNow(ctx context.Context, s *Store, instance store.InstanceKey) (int64, error) {
	found, err := s.Read(ctx, only(instance))
	if err != nil {
		return 0, err
	}
	return found[0].Version, nil
}

// only asks for one instance.
func only(instance store.InstanceKey) []store.ReadRequest {
	return []store.ReadRequest{{Instance: instance}}
}

// write drives an instance by its own effects: each commit consumes the effect of the one before and asks for the next.
func write(s *Store, n int) error {
	ctx, instance := context.Background(), key(strconv.Itoa(n))
	kind := store.Kind{Workflow: "order", Name: "Next" + instance.ID}
	version, err := versionNow(ctx, s, instance)
	if err != nil {
		return err
	}
	for ; ; version++ {
		c := store.Change{
			Instance: instance, Version: version, Now: now, Events: event(`{}`),
			Effects: []store.NewEffect{{Kind: kind.Name, Payload: []byte(`{}`)}},
		}
		if version > 0 {
			// The lease of a process that was killed may still run: this one waits for no clock.
			later := now.Add(time.Duration(version) * time.Hour)
			claimed, err := s.Effects().Claim(ctx, store.Claim{
				Kinds: []store.Kind{kind}, Now: later, Until: later, Limit: 9,
			})
			if err != nil || len(claimed) != 1 {
				return fmt.Errorf("claimed %d effects, want 1; error %w", len(claimed), err)
			}
			c.Consume = []store.Lease{claimed[0].Lease}
		}
		if err := s.Append(ctx, store.Batch{Commit: 1, Changes: []store.Change{c}}); err != nil {
			return err
		}
		fmt.Println(n, version+1)
	}
}

func TestKilledProcessLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/store.db"
	acknowledged := make([]int64, writers)
	for round := range 5 {
		cmd := child(t, "write", path)
		output, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(output)
		for n := 0; lines.Scan(); n++ {
			var writer int
			var version int64
			if _, err := fmt.Sscan(lines.Text(), &writer, &version); err != nil {
				t.Errorf("round %d: the child says %q", round, lines.Text())
				break
			}
			acknowledged[writer] = version
			if n == 50+30*round { // and then whatever it had said before it died
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // it was killed

		s := openFile(t, path)
		for n, version := range acknowledged {
			stored, err := versionNow(t.Context(), s, key(strconv.Itoa(n)))
			if err != nil {
				t.Fatal(err)
			}
			// The commit whose acknowledgement was killed may be there or not.
			if stored != version && stored != version+1 {
				t.Errorf("round %d: instance %d is at version %d, acknowledged was %d", round, n, stored, version)
			}
			var effects, last int64
			err = s.DB().QueryRow(`SELECT count(*), max(version) FROM ironflow_effects WHERE instance = ?`,
				strconv.Itoa(n)).Scan(&effects, &last)
			if err != nil || effects != 1 || last != stored {
				t.Errorf("round %d: instance %d at version %d has %d effects, the last of version %d; error %v",
					round, n, stored, effects, last, err)
			}
		}
		var sound string
		if err := s.DB().QueryRow(`PRAGMA integrity_check`).Scan(&sound); err != nil || sound != "ok" {
			t.Errorf("round %d: integrity check: %s, error %v", round, sound, err)
		}
		closeAll(t, s)
	}
}

func TestProcessesShareAFile(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/store.db"
	const children = 3
	var group sync.WaitGroup
	for range children { // which also race to create the file
		cmd := child(t, "append", path)
		group.Go(func() {
			if output, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("child: %v: %s", err, output)
			}
		})
	}
	s := openFile(t, path)
	for range appendsOfChild {
		if err := appendOne(t.Context(), s, key("shared")); err != nil {
			t.Errorf("append beside other processes: %v", err)
			break
		}
	}
	group.Wait()
	version, err := versionNow(t.Context(), s, key("shared"))
	if err != nil || version != (children+1)*appendsOfChild {
		t.Errorf("got version %d, want %d; error %v", version, (children+1)*appendsOfChild, err)
	}
}
