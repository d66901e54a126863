package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// database is a PostgreSQL store, and how many events its instances have.
type database struct {
	pool     *pgxpool.Pool
	store    *postgres.Store
	versions map[string]int64
}

func openStore(ctx context.Context, url string) (*database, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, err
	}
	if err := postgres.Migrate(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	st, err := postgres.New(ctx, pool)
	return &database{pool: pool, store: st, versions: make(map[string]int64)}, err
}

func (d *database) close() { d.pool.Close() }

// Shape of what is written: a payload of about 100 bytes, as an order's event has.
const (
	instances = 1000
	perChange = 10
	workflow  = "order"
)

var payload = []byte(`{"order_id":"o-1234567","customer_id":"c-1234567","amount_cents":12900,"currency":"EUR","method":"card"}`)

// fill stores events.
func (d *database) fill(ctx context.Context, events int) error {
	for stored := 0; stored < events; {
		n := min(events-stored, 2000)
		if err := d.append(ctx, n); err != nil {
			return err
		}
		stored += n
	}
	return nil
}

// append stores events of some instances in one commit.
func (d *database) append(ctx context.Context, events int) error {
	var changes []store.Change
	for _, i := range rand.Perm(instances) {
		if events == 0 {
			break
		}
		n := min(events, perChange)
		events -= n
		id := fmt.Sprint("o-", i)
		change := store.Change{
			Instance: runtime.InstanceKey{Workflow: workflow, ID: id}, Version: d.versions[id], Now: store.StoredTime(time.Now()),
		}
		for range n {
			change.Events = append(change.Events, store.NewEvent{Type: "Paid", SchemaVersion: 1, Payload: payload})
		}
		changes = append(changes, change)
	}
	if err := d.store.Append(ctx, store.Batch{Commit: store.CommitID(rand.Int64() + 1), Changes: changes}); err != nil {
		return err
	}
	for i := range changes {
		d.versions[changes[i].Instance.ID] = changes[i].NewVersion()
	}
	return nil
}

// checker compares what arrived with what is stored.
type checker struct {
	seen              map[string]int64
	doubled, inverted int
}

func (c *checker) see(instance string, version int64) {
	switch last := c.seen[instance]; {
	case version == last+1:
		c.seen[instance] = version
	case version <= last:
		c.doubled++
	default:
		c.inverted++ // or those before it are lost; then they are missing at the end, too
		c.seen[instance] = version
	}
}

// lost returns how many events are missing at the ends of instances.
func (c *checker) lost(stored map[string]int64) (n int) {
	for instance, version := range stored {
		n += int(max(version-c.seen[workflow+"/"+instance], 0))
	}
	return n
}
