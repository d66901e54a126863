//go:build unix

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/bench/chaos/storm"
	"github.com/ironflow-gen/ironflow/runtime"
)

// clockSlack is by how much the clocks of workers may differ from the server's: an answer about the time may take a second.
const clockSlack = 600 * time.Millisecond

// torments are what is done to the workers and the server, by name.
var torments = []struct {
	name   string
	weight int
	do     func(*run, context.Context, *rand.Rand) error
}{
	{"kill", 4, (*run).kill},
	{"freeze", 3, (*run).freeze},
	{"terminate", 4, (*run).terminate},
	{"read only", 2, (*run).readOnly},
	{"pause", 3, (*run).pause},
	{"crash", 1, (*run).crash},
}

// torment torments until ctx ends.
func (r *run) torment(ctx context.Context, random *rand.Rand) error {
	total := 0
	for _, t := range torments {
		total += t.weight
	}
	defer r.background.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Duration(100+random.IntN(500)) * time.Millisecond):
		}
		n := random.IntN(total)
		for _, t := range torments {
			if n -= t.weight; n >= 0 {
				continue
			}
			r.count("torment: " + t.name)
			if err := t.do(r, context.WithoutCancel(ctx), random); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			break
		}
	}
}

// kill kills a worker, and starts another in its place.
func (r *run) kill(ctx context.Context, random *rand.Rand) error {
	i := random.IntN(len(r.workers))
	if err := r.workers[i].kill(); err != nil {
		return err
	}
	next, err := r.startWorker(ctx)
	r.workers[i] = next
	return err
}

// freeze stops a worker for longer than a lease, and lets it go on.
func (r *run) freeze(_ context.Context, random *rand.Rand) error {
	worker, d := r.workers[random.IntN(len(r.workers))], lease+time.Duration(random.IntN(1500))*time.Millisecond
	if err := worker.command.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	r.background.Go(func() {
		time.Sleep(d)
		_ = worker.command.Process.Signal(syscall.SIGCONT) // it may have been killed meanwhile
	})
	return nil
}

// terminate breaks all connections, or a half of them.
func (r *run) terminate(ctx context.Context, random *rand.Rand) error {
	share := 0.5 + 0.5*float64(random.IntN(2))
	r.insist(func() error {
		_, err := r.pool.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE backend_type = 'client backend' AND application_name = 'worker' AND random() < $1`, share)
		return err
	})
	return nil
}

// readOnly makes the server refuse writes for a time.
func (r *run) readOnly(ctx context.Context, random *rand.Rand) error {
	r.insist(func() error { return r.setReadOnly(ctx, "on") })
	time.Sleep(time.Duration(200+random.IntN(1200)) * time.Millisecond)
	r.insist(func() error { return r.setReadOnly(ctx, "off") })
	return nil
}

func (r *run) setReadOnly(ctx context.Context, to string) error {
	if _, err := r.pool.Exec(ctx, `ALTER SYSTEM SET default_transaction_read_only = `+to); err != nil {
		return err
	}
	_, err := r.pool.Exec(ctx, `SELECT pg_reload_conf()`)
	return err
}

// pause pauses the workflow for a time, in which nothing of it may be claimed. Other torments go on meanwhile.
func (r *run) pause(ctx context.Context, random *rand.Rand) error {
	if !r.pausing.CompareAndSwap(false, true) {
		return nil
	}
	pause := runtime.Pause{Workflow: storm.WorkflowName, By: "chaos", RefuseInputs: random.IntN(4) == 0}
	d := time.Duration(200+random.IntN(1500)) * time.Millisecond
	r.background.Go(func() {
		defer r.pausing.Store(false)
		r.insist(func() error { return r.engine.PauseWorkflow(ctx, pause) })
		var from time.Time
		r.insist(func() error { return r.pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&from) })
		time.Sleep(d)
		r.insist(func() error { return r.checkPause(ctx, from) })
		r.insist(func() error { return r.engine.ResumeWorkflow(ctx, storm.WorkflowName) })
	})
	return nil
}

// insist calls until there is no error: the server may be down.
func (r *run) insist(call func() error) {
	for call() != nil {
		time.Sleep(50 * time.Millisecond)
	}
}

// checkPause looks for what was claimed after the time from. What a claim began before that was committed meanwhile, perhaps.
func (r *run) checkPause(ctx context.Context, from time.Time) error {
	rows, err := r.pool.Query(ctx, `
		SELECT format('effect %s of %s, version %s, claimed at %s by %s', kind, instance, version, claimed_at, holder), claimed_at > $1
		FROM ironflow.effects WHERE claimed_at IS NOT NULL
		UNION ALL SELECT format('timer %s of %s, version %s, claimed at %s by %s', key, instance, version, claimed_at, holder), claimed_at > $1
		FROM ironflow.timers WHERE claimed_at IS NOT NULL`, from.Add(clockSlack))
	if err != nil {
		return err
	}
	var what string
	var late bool
	_, err = pgx.ForEachRow(rows, []any{&what, &late}, func() error {
		r.count("leases looked at during a pause")
		if late {
			r.violation("%s, while the workflow was paused since %v", what, from)
		}
		return nil
	})
	return err
}

// crash stops the server as a crash does, and starts it again.
func (r *run) crash(ctx context.Context, random *rand.Rand) error {
	if err := r.server.Crash(ctx); err != nil {
		return err
	}
	time.Sleep(time.Duration(random.IntN(1000)) * time.Millisecond)
	if err := r.server.Restart(ctx); err != nil {
		return err
	}
	r.pool.Reset()
	return nil
}

// watchLimits looks again and again how many effects with limits are leased, until ctx ends.
func (r *run) watchLimits(ctx context.Context) {
	for ctx.Err() == nil {
		rows, err := r.pool.Query(ctx, `
			SELECT kind || ' ' || coalesce(limit_key, ''), count(*), CASE kind WHEN 'Limited' THEN $1::int ELSE $2::int END,
			       string_agg(format('%s/%s of %s by %s, claimed at %s until %s', version, position, instance, holder, claimed_at, run_at), '; ')
			FROM ironflow.effects
			WHERE kind IN ('Limited', 'Keyed') AND claimed_at IS NOT NULL AND run_at > clock_timestamp() + $3::interval
			GROUP BY kind, limit_key`, globalLimit, keyLimit, clockSlack)
		if err == nil {
			var key, which string
			var leased, limit int
			_, _ = pgx.ForEachRow(rows, []any{&key, &leased, &limit, &which}, func() error {
				r.count("limits looked at")
				if leased > limit {
					r.violation("%s: %d are leased, the limit is %d: %s", key, leased, limit, which)
				}
				return nil
			})
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// The limits of storm.ironflow.yaml.
const (
	globalLimit = 3
	keyLimit    = 2
)
