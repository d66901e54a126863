package inflight_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/internal/pgserver/pgschema"
	"github.com/ironflow-gen/ironflow/runtime"
)

// process makes this program one of a rollout: its version, its name, the URL of the database and the schema.
const process = "IRONFLOW_INFLIGHT_PROCESS"

// TestRolloutProcess is a process of a rollout. It delivers, opens accounts and takes from any, until its standard input ends, and prints the ids
// of the inputs that were accepted.
func TestRolloutProcess(t *testing.T) {
	var version int
	var name, url, schema string
	if n, _ := fmt.Sscan(os.Getenv(process), &version, &name, &url, &schema); n != 4 {
		t.Skip("TestRollout starts it")
	}
	_, st := openPostgres(t, url, schema)
	p := programs[version](t, st)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	stop := p.run(t)
	var callers sync.WaitGroup
	for caller := range 3 {
		callers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				input := fmt.Sprintf("%s.%d.%d", name, caller, n)
				var err error
				id := "v" + fmt.Sprint(version) + " " + input
				if n%4 == 0 {
					_, err = p.open(ctx, id, opened, runtime.WithInputID(input))
				} else if id = anyAccount(t, p); id != "" {
					err = p.take(ctx, id, 1, runtime.WithInputID(input))
				}
				switch {
				case err == nil:
					fmt.Println("accepted", input)
				case ctx.Err() != nil:
				case strings.Contains(err.Error(), "a newer program wrote it") && id > "v"+fmt.Sprint(version+1):
				default:
					t.Errorf("version %d on %q: %v", version, id, err)
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	callers.Wait()
	stop()
}

// opened is what accounts of a rollout begin with, in cents.
const opened = 5000

// anyAccount returns one of the newest accounts, or an empty id.
func anyAccount(t *testing.T, p program) string {
	page, err := p.Instances(t.Context(), runtime.InstanceQuery{InstanceFilter: runtime.InstanceFilter{Workflow: "account"}, Limit: 50})
	found := page.Items
	if err != nil {
		t.Error(err)
	}
	if len(found) == 0 {
		return ""
	}
	return found[rand.IntN(len(found))].Key.ID
}

// child is a process of a rollout.
type child struct {
	*exec.Cmd
	stdin    io.Closer
	accepted []string // ids of inputs; read it after the end
	errs     bytes.Buffer
	read     chan struct{}
}

func startChild(t *testing.T, version int, name, url, schema string) *child {
	t.Helper()
	c := &child{Cmd: exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRolloutProcess$"), read: make(chan struct{})}
	c.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s %s %s", process, version, name, url, schema))
	c.Stderr = &c.errs
	stdin, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.stdin = stdin
	stdout, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.read)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if input, is := strings.CutPrefix(lines.Text(), "accepted "); is {
				c.accepted = append(c.accepted, input)
			} else if strings.Contains(lines.Text(), "_test.go:") {
				t.Error(lines.Text())
			}
		}
	}()
	return c
}

// kill kills the process at whatever it does.
func (c *child) kill(t *testing.T) {
	t.Helper()
	if err := c.Process.Kill(); err != nil {
		t.Error(err)
	}
	<-c.read
	_ = c.Wait()
}

// stop lets the process end.
func (c *child) stop(t *testing.T) {
	t.Helper()
	c.stdin.Close()
	<-c.read
	if err := c.Wait(); err != nil {
		t.Errorf("%v\n%s", err, c.errs.String())
	}
}

// TestRollout rolls three versions of a program forward and back under load, as processes that share a database. Some are killed. In the end the
// newest version has done everything: nothing is dead, each input that was accepted counts once, and the balances are those of the events.
func TestRollout(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	t.Parallel()
	url, schema := pgserver.URL(t), pgschema.Borrow(t)
	pool, st := openPostgres(t, url, schema)
	var accepted []string
	running, number := map[int][]*child{}, 0
	start := func(version int) {
		number++
		running[version] = append(running[version], startChild(t, version, fmt.Sprint("p", number), url, schema))
	}
	end := func(version int, how func(*child, *testing.T)) {
		c := running[version][0]
		running[version] = running[version][1:]
		how(c, t)
		accepted = append(accepted, c.accepted...)
	}
	start(1)
	start(1)
	for _, way := range [][2]int{{1, 2}, {2, 3}, {3, 2}, {2, 1}, {1, 3}} { // forward, back, and forward at once
		from, to := way[0], way[1]
		time.Sleep(600 * time.Millisecond)
		start(to)
		time.Sleep(400 * time.Millisecond)
		end(from, (*child).kill)
		start(to)
		time.Sleep(400 * time.Millisecond)
		end(from, (*child).stop)
	}
	time.Sleep(600 * time.Millisecond)
	end(3, (*child).kill)
	end(3, (*child).stop)

	newest := programs[3](t, st)
	stop := newest.run(t)
	began := time.Now()
	for waiting := -1; waiting != 0; time.Sleep(20 * time.Millisecond) {
		err := pool.QueryRow(t.Context(), strings.ReplaceAll(
			`SELECT (SELECT count(*) FROM SCHEMA.effects WHERE told_at IS NULL) + (SELECT count(*) FROM SCHEMA.timers)`, "SCHEMA", schema)).Scan(&waiting)
		if err != nil || time.Since(began) > time.Minute {
			t.Fatalf("%d deliveries wait, error %v", waiting, err)
		}
	}
	took := time.Since(began)
	stop()
	noDead(t, st)

	outcomes := make(map[string]string) // by input id
	takes := make(map[string]int)       // by account
	each(t, pool, `SELECT instance, input_id, outcome->>'outcome' FROM SCHEMA.input_outcomes WHERE workflow = 'account'`, schema,
		func(row func(...any) error) error {
			var id, input, outcome string
			err := row(&id, &input, &outcome)
			outcomes[input] = outcome
			if !strings.HasSuffix(id, " "+input) { // it has not opened the account
				takes[id]++
			}
			return err
		})
	for _, input := range accepted {
		if outcomes[input] != "accepted" {
			t.Errorf("input %s was accepted, and its outcome is %q", input, outcomes[input])
		}
	}
	accounts := 0
	each(t, pool, `
		SELECT instance, count(*) FILTER (WHERE type = 'Opened'), count(*) FILTER (WHERE type = 'Taken'),
		       sum(CASE type WHEN 'Opened' THEN coalesce(payload->>'cents', payload->>'amount_cents')::bigint
		                     WHEN 'Taken' THEN -(payload->>'cents')::bigint ELSE 0 END)::bigint
		FROM SCHEMA.events WHERE workflow = 'account' GROUP BY 1`, schema,
		func(row func(...any) error) error {
			var id string
			var opens, taken int
			var sum int64
			if err := row(&id, &opens, &taken, &sum); err != nil {
				return err
			}
			accounts++
			cents, log, err := newest.state(t.Context(), id)
			if err != nil {
				return err
			}
			version := int(id[1] - '0')
			want := notes(version, id, opened)
			slices.Sort(want)
			slices.Sort(log)
			if opens != 1 || taken != takes[id] || sum != opened-int64(taken) || cents != sum || !slices.Equal(log, want) {
				t.Errorf("%s was opened %d times, taken from %d times by %d inputs, has %d cents and is seen with %d, and noted\n%s\nwant\n%s",
					id, opens, taken, takes[id], sum, cents, strings.Join(log, "\n"), strings.Join(want, "\n"))
			}
			return nil
		})
	t.Logf("%d accounts, %d inputs of which %d answers arrived; everything was done after %v", accounts, len(outcomes), len(accepted), took.Round(time.Millisecond))
	if accounts < 50 || len(accepted) < 200 {
		t.Error("there was hardly any load")
	}
}

// each calls use for each row of a query.
func each(t *testing.T, pool *pgxpool.Pool, sql, schema string, use func(row func(...any) error) error) {
	t.Helper()
	rows, err := pool.Query(t.Context(), strings.ReplaceAll(sql, "SCHEMA", schema))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() && err == nil {
		err = use(rows.Scan)
	}
	if err = errors.Join(err, rows.Err()); err != nil {
		t.Fatal(err)
	}
}
