package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/bench/internal/load"
	"github.com/ironflow-gen/ironflow/bench/internal/report"
	"github.com/ironflow-gen/ironflow/bench/internal/server"
	"github.com/ironflow-gen/ironflow/bench/internal/tally"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

// entrant is one side, "ours" or "crate", with so many callers and connections.
type entrant struct {
	side                 string
	callers, connections int
}

func (e entrant) String() string {
	return fmt.Sprintf("%s with %d callers and %d connections", e.side, e.callers, e.connections)
}

func (e entrant) measure(ctx context.Context, p plan, s *server.Server, published *published) (report.Figures, error) {
	if e.side == "crate" {
		return published.decide(ctx, p, s, e)
	}
	return decide(ctx, p, s, e)
}

// decide measures ours.
func decide(ctx context.Context, p plan, s *server.Server, e entrant) (_ report.Figures, err error) {
	const schema = "ours"
	pool, err := s.Pool(ctx, int32(e.connections))
	if err != nil {
		return nil, err
	}
	defer func() {
		pool.Close()
		err = errors.Join(err, drop(s, schema))
	}()
	if err := postgres.Migrate(ctx, pool, postgres.WithSchema(schema)); err != nil {
		return nil, err
	}
	store, err := postgres.New(ctx, pool, postgres.WithSchema(schema))
	if err != nil {
		return nil, err
	}
	engine, err := runtime.NewEngine(store, runtime.Config{}, tally.NewWorkflow(tally.Decider{}, tally.Evolver{}, tally.Handler{}))
	if err != nil {
		return nil, err
	}
	client := tally.NewClient(engine)
	if err := load.CreateAll(ctx, client, p.instances); err != nil {
		return nil, err
	}
	if err := s.Rest(ctx, schema); err != nil {
		return nil, err
	}
	r, err := load.Load{
		Callers: e.callers, WarmUp: p.warmUp, Window: p.window, Server: s.ProcessorTime,
		Call: func(ctx context.Context, random *rand.Rand, n int) error {
			return load.Add(ctx, client, load.InstanceID(random.IntN(p.instances)), n)
		},
	}.Run(ctx)
	return report.Figures{
		"rate": r.Rate(), "p50": r.Milliseconds(50), "p99": r.Milliseconds(99), "client": r.Each(r.Client), "cpu": r.Each(r.Client + r.Server),
	}, err
}

func drop(s *server.Server, schema string) error {
	_, err := s.Admin.Exec(context.Background(), "DROP SCHEMA IF EXISTS "+schema+" CASCADE")
	return err
}

// published is the crate as cargo got it from its registry, and built it.
type published struct {
	binary     string
	migrations []string // files, in their order
	versions   string
}

// findCrate asks cargo where the crate's migrations are.
func findCrate(ctx context.Context) (*published, error) {
	command := exec.CommandContext(ctx, "cargo", "metadata", "--format-version", "1", "--offline")
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("cargo metadata: %w", err)
	}
	var metadata struct {
		Packages []struct {
			Name, Version string
			Manifest      string `json:"manifest_path"`
		}
		Target string `json:"target_directory"`
	}
	if err := json.Unmarshal(output, &metadata); err != nil {
		return nil, fmt.Errorf("cargo metadata: %w", err)
	}
	rust, err := exec.CommandContext(ctx, "rustc", "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("rustc --version: %w", err)
	}
	p := &published{binary: filepath.Join(metadata.Target, "release", "crate-load"), versions: strings.TrimSpace(string(rust))}
	for _, dependency := range metadata.Packages {
		switch dependency.Name {
		case "ironflow":
			p.migrations, _ = filepath.Glob(filepath.Join(filepath.Dir(dependency.Manifest), "migrations", "*.sql"))
			slices.Sort(p.migrations)
			fallthrough
		case "sqlx", "tokio":
			p.versions += fmt.Sprintf(", crate %s %s", dependency.Name, dependency.Version)
		}
	}
	if len(p.migrations) == 0 {
		return nil, errors.New("the crate ironflow comes without migrations")
	}
	return p, nil
}

// uuidv7 stands in for the function of that name, which the crate's tables call and servers before PostgreSQL 18 do not have. It is
// the fastest there is; the order of the keys is lost, which matters little in tables of this size.
const uuidv7 = `CREATE OR REPLACE FUNCTION uuidv7() RETURNS uuid LANGUAGE internal VOLATILE PARALLEL SAFE AS 'gen_random_uuid'`

// decide measures the crate.
func (c *published) decide(ctx context.Context, p plan, s *server.Server, e entrant) (_ report.Figures, err error) {
	const schema = "ironflow" // the crate's
	var version int
	if err := s.Admin.QueryRow(ctx, "SELECT current_setting('server_version_num')::int / 10000").Scan(&version); err != nil {
		return nil, err
	}
	if version < 18 {
		if _, err := s.Admin.Exec(ctx, uuidv7); err != nil {
			return nil, err
		}
	}
	defer func() { err = errors.Join(err, drop(s, schema)) }()
	for _, file := range c.migrations {
		sql, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if _, err := s.Admin.Exec(ctx, string(sql)); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
	}
	if _, err := c.start(ctx, s, "fill", strconv.Itoa(p.instances)); err != nil {
		return nil, err
	}
	if err := s.Rest(ctx, schema); err != nil {
		return nil, err
	}

	// The program measures its own processor time. The server's is read at about the same times.
	used := make(chan time.Duration, 1)
	go func() {
		sleep(ctx, p.warmUp)
		before := s.ProcessorTime(ctx)
		sleep(ctx, p.window)
		used <- s.ProcessorTime(ctx) - before
	}()
	output, err := c.start(ctx, s, "run", strconv.Itoa(p.instances), strconv.Itoa(e.connections), strconv.Itoa(e.callers),
		strconv.FormatInt(p.warmUp.Milliseconds(), 10), strconv.FormatInt(p.window.Milliseconds(), 10))
	server := <-used
	if err != nil {
		return nil, err
	}
	var ran struct {
		Decisions float64 `json:"decisions"`
		P50       float64 `json:"p50_ms"`
		P99       float64 `json:"p99_ms"`
		Client    float64 `json:"client_us"`
	}
	if err := json.Unmarshal(output, &ran); err != nil {
		return nil, fmt.Errorf("%w in %q", err, output)
	}
	if ran.Decisions == 0 {
		return nil, errors.New("no decision within the window")
	}
	return report.Figures{
		"rate": ran.Decisions / p.window.Seconds(), "p50": ran.P50, "p99": ran.P99, "client": ran.Client,
		"cpu": ran.Client + float64(server)/float64(time.Microsecond)/ran.Decisions,
	}, nil
}

// start runs the crate's program to its end.
func (c *published) start(ctx context.Context, s *server.Server, command string, args ...string) ([]byte, error) {
	address, err := url.Parse(s.URL())
	if err != nil {
		return nil, err
	}
	if address.Host == "" {
		address.Host = "localhost" // must be there; the socket is in the query
	}
	run := exec.CommandContext(ctx, c.binary, append([]string{command, address.String()}, args...)...)
	var complaints bytes.Buffer
	run.Stderr = &complaints
	output, err := run.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", command, err, strings.TrimSpace(complaints.String()))
	}
	return output, nil
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
