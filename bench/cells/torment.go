package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/bench/internal/report"
	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime/cells"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

// torment adds generations of cells and retires old ones, one after the other, while processes that use them are killed. Each cell is a schema of
// one server.
type torment struct {
	kills     int // how many at least
	processes int
	log       io.Writer

	server *pgserver.Server
	pool   *pgxpool.Pool
	began  time.Time

	mu          sync.Mutex
	generations []cells.Generation // the newest list
	slots       []*slot
	killed      int
	started     int
	accepted    map[string]bool // tags of inputs
	found       findings
}

// slot is a place for one process after the other.
type slot struct {
	mu          sync.Mutex // held while its process changes
	generations []cells.Generation
	process     *process
}

// generation returns the n-th generation. Each but the first has two cells, and shares one with the next.
func generation(n int) cells.Generation {
	name := func(n int) string { return fmt.Sprint("cell", n) }
	if n == 1 {
		return cells.Generation{Number: 1, Cells: []string{name(1)}}
	}
	return cells.Generation{Number: int64(n), Cells: []string{name(n), name(n + 1)}}
}

const tormentSchema = `
CREATE SCHEMA torment;
CREATE TABLE torment.read (cell text PRIMARY KEY, sequence bigint NOT NULL);
CREATE TABLE torment.archived (
	cell text, sequence bigint, instance text, version bigint, type text, payload json, recorded_at timestamptz, PRIMARY KEY (cell, sequence));`

// run torments, prints a table and reports whether nothing is wrong.
func (t *torment) run(ctx context.Context, out io.Writer) (ok bool, err error) {
	t.began, t.accepted = time.Now(), make(map[string]bool)
	// What was committed is in the files of the log. No server is killed.
	if t.server, err = pgserver.Start(ctx, pgserver.Options{Settings: map[string]string{"synchronous_commit": "on", "max_connections": "400"}}); err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, t.server.Stop()) }()
	if t.pool, err = openPool(ctx, t.server.URL(), 4); err != nil {
		return false, err
	}
	defer t.pool.Close()
	if _, err := t.pool.Exec(ctx, tormentSchema); err != nil {
		return false, err
	}
	if err := t.add(ctx, 1); err != nil {
		return false, err
	}
	defer t.killAll()
	for range t.processes {
		s := &slot{generations: t.generations}
		t.slots = append(t.slots, s)
		if err := t.start(s); err != nil {
			return false, err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	reading, stopReading := context.WithCancel(ctx)
	defer stopReading()
	read := make(chan error, 1)
	feed := newReader(t)
	go func() {
		err := feed.run(reading)
		if err != nil { // what it has not read is not deleted, and no generation is retired
			cancel(err)
		}
		read <- err
	}()
	if err := t.whileKilling(ctx, t.grow); err != nil {
		return false, errors.Join(err, context.Cause(ctx))
	}
	if err := t.end(ctx); err != nil {
		return false, err
	}
	history, err := t.history(ctx)
	if err != nil {
		return false, err
	}
	feed.await(len(history))
	stopReading()
	if err := <-read; err != nil {
		return false, err
	}
	t.check(history, feed.events)
	return t.found.ok(), report.Columns(out, t.table(history))
}

// add makes the cells of the n-th generation and adds it to the list.
func (t *torment) add(ctx context.Context, n int) error {
	g := generation(n)
	for _, cell := range g.Cells {
		if err := postgres.Migrate(ctx, t.pool, postgres.WithSchema(cell)); err != nil {
			return err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.generations = append(slices.Clone(t.generations), g)
	return nil
}

// whileKilling does something while processes are killed.
func (t *torment) whileKilling(ctx context.Context, do func(context.Context) error) error {
	killing, stop := context.WithCancel(ctx)
	defer stop()
	killed := make(chan error, 1)
	go func() {
		for {
			select {
			case <-killing.Done():
				killed <- nil
				return
			case <-time.After(300*time.Millisecond + rand.N(700*time.Millisecond)):
			}
			s := t.slots[rand.IntN(len(t.slots))]
			if rand.IntN(6) > 0 {
				t.awaitUp(s)
			}
			if err := t.replace(s, nil, true); err != nil {
				killed <- err
				return
			}
		}
	}()
	err := do(ctx)
	stop()
	return errors.Join(err, <-killed)
}

// awaitUp lets the process of a slot send for a while.
func (t *torment) awaitUp(s *slot) {
	s.mu.Lock()
	p := s.process
	s.mu.Unlock()
	select {
	case <-p.up:
		time.Sleep(rand.N(time.Second))
	case <-p.read:
	case <-time.After(10 * time.Second):
	}
}

// grow adds a generation, gives all processes the new list, and retires the old generation, until enough processes were killed.
func (t *torment) grow(ctx context.Context) error {
	for n := 2; n == 2 || t.count() < t.kills; n++ {
		if err := t.add(ctx, n); err != nil {
			return err
		}
		if err := t.roll(t.generations); err != nil {
			return err
		}
		for _, do := range []string{"close", "retire"} {
			if err := t.operate(ctx, do); err != nil {
				return err
			}
		}
		t.mu.Lock()
		t.generations = t.generations[1:]
		t.mu.Unlock()
		t.found.generations++
		fmt.Fprintf(t.log, "generation %d is retired after %.0f s and %d kills\n", n-1, time.Since(t.began).Seconds(), t.count())
		if err := t.roll(t.generations); err != nil {
			return err
		}
	}
	return nil
}

func (t *torment) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.killed
}

// roll gives one process after the other a list. Some are killed for that, and the others are told to stop.
func (t *torment) roll(generations []cells.Generation) error {
	for _, i := range rand.Perm(len(t.slots)) {
		time.Sleep(200*time.Millisecond + rand.N(800*time.Millisecond))
		if err := t.replace(t.slots[i], generations, rand.IntN(2) == 0); err != nil {
			return err
		}
	}
	return nil
}

// replace ends the process of a slot and starts another one, with the same list if none is given.
func (t *torment) replace(s *slot, generations []cells.Generation, kill bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kill {
		t.kill(s.process)
		if s.process.command.ProcessState.Exited() {
			return errors.New("a process has ended by itself; it says why above")
		}
	} else if err := s.process.stop(); err != nil {
		return err
	}
	if generations != nil {
		s.generations = generations
	}
	return t.start(s)
}

func (t *torment) kill(p *process) {
	p.kill()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.killed++
}

// operate calls CloseOlder or Retire in a process that is sometimes killed, until the call has succeeded.
func (t *torment) operate(ctx context.Context, do string) error {
	var left error
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); {
		p, err := t.startProcess(do, t.generations)
		if err != nil {
			return err
		}
		if rand.IntN(2) == 0 {
			time.Sleep(rand.N(300 * time.Millisecond))
			t.kill(p)
			continue
		}
		var exit *exec.ExitError
		switch err := p.stop(); {
		case err == nil:
			return nil
		case !errors.As(err, &exit) || exit.ExitCode() != exitInUse:
			return fmt.Errorf("%s: %w", do, err)
		default:
			left = errors.New(p.reason)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s does not succeed: %w", do, left)
}

// process is a process that runs a router.
type process struct {
	command *exec.Cmd
	in      io.Closer
	tell    io.Writer
	up      chan struct{} // closed when it sends
	quiet   chan struct{} // closed when its senders have stopped
	read    chan struct{} // closed when all that it said is read
	reason  string        // why a generation cannot be retired
}

func (t *torment) start(s *slot) (err error) {
	s.process, err = t.startProcess("work", s.generations)
	return err
}

func (t *torment) startProcess(do string, generations []cells.Generation) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.started++
	number := t.started
	t.mu.Unlock()
	told, err := json.Marshal(orders{
		URL: t.server.URL(), Name: fmt.Sprint("w", number), Seed: rand.Uint64(), Generations: generations, Do: do,
	})
	if err != nil {
		return nil, err
	}
	p := &process{command: exec.Command(program), up: make(chan struct{}), quiet: make(chan struct{}), read: make(chan struct{})}
	p.command.Env = append(os.Environ(), childVariable+"="+string(told))
	p.command.Stderr = t.log
	in, err := p.command.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.in, p.tell = in, in
	said, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.read)
		for lines := bufio.NewScanner(said); lines.Scan(); {
			switch line := lines.Text(); line {
			case up:
				close(p.up)
			case quiet:
				close(p.quiet)
			default:
				if do != "work" {
					p.reason = line
					continue
				}
				t.mu.Lock()
				t.accepted[line] = true
				t.mu.Unlock()
			}
		}
	}()
	return p, nil
}

func (p *process) kill() {
	_ = p.command.Process.Kill()
	<-p.read
	_ = p.command.Wait()
}

// stop lets the process end by itself.
func (p *process) stop() error {
	p.in.Close()
	<-p.read
	return p.command.Wait()
}

func (t *torment) killAll() {
	for _, s := range t.slots {
		if s.process != nil && s.process.command.ProcessState == nil {
			s.process.kill()
		}
	}
}

// end lets the senders stop, waits until all work is done, and ends the processes.
func (t *torment) end(ctx context.Context) error {
	for _, s := range t.slots {
		if _, err := fmt.Fprintln(s.process.tell); err != nil {
			return err
		}
	}
	for _, s := range t.slots {
		select {
		case <-s.process.quiet:
		case <-time.After(time.Minute):
			return errors.New("the senders of a process do not stop")
		}
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		left := 0
		for _, cell := range t.cells() {
			var n int
			schema := `"` + cell + `"`
			if err := t.pool.QueryRow(ctx, `SELECT (SELECT count(*) FROM `+schema+`.effects) + (SELECT count(*) FROM `+schema+`.timers WHERE instance <> '')
				+ (SELECT count(*) FROM `+schema+`.instances WHERE completed_at IS NULL)`).Scan(&n); err != nil {
				return err
			}
			left += n
		}
		if left == 0 {
			break
		}
		if time.Now().After(end) {
			t.found.lost.add("%d effects, timers and active nodes are left a minute after the torment", left)
			break
		}
	}
	for _, s := range t.slots {
		if err := s.process.stop(); err != nil {
			return fmt.Errorf("a process did not end by itself: %w", err)
		}
	}
	return nil
}

// cells returns the names of all cells that there were.
func (t *torment) cells() (names []string) {
	for n := 1; n <= t.found.generations+1; n++ {
		names = append(names, generation(n).Cells...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
