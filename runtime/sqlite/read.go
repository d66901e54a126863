package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Read implements store.Store. It does not wait for a unit of work.
func (s *Store) Read(ctx context.Context, requests []store.ReadRequest) ([]store.Instance, error) {
	var instances []store.Instance
	err := s.readers.read(ctx, func(on *connection) (err error) {
		instances, err = readAll(ctx, on, requests)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: read: %w", err)
	}
	return instances, nil
}

func readAll(ctx context.Context, on session, requests []store.ReadRequest) ([]store.Instance, error) {
	instances := make([]store.Instance, len(requests))
	for i := range requests {
		if err := readOne(ctx, on, &requests[i], &instances[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", requests[i].Instance, err)
		}
		if key := requests[i].UniqueKey; key != "" {
			row := func(columns []driver.Value) error {
				instances[i].KeyHolder = text(columns[0])
				return nil
			}
			if err := on.query(row, keyHolder, requests[i].Instance.Workflow, key); err != nil {
				return nil, fmt.Errorf("%s: the holder of its key: %w", requests[i].Instance, err)
			}
		}
	}
	return instances, nil
}

// readOne reads an instance as it is at one moment.
func readOne(ctx context.Context, on session, request *store.ReadRequest, i *store.Instance) error {
	i.Key = request.Instance
	last := request.After
	row := func(columns []driver.Value) error {
		if number(columns[3]) == mark {
			i.Elsewhere = &store.Elsewhere{Instance: i.Key, Generation: number(columns[10])}
			return ctx.Err()
		}
		i.Version, i.Completed = number(columns[0]), number(columns[1]) != 0
		i.LastEventAt, i.LastCommit = fromMicros(number(columns[2])), store.CommitID(number(columns[3]))
		if state, first := columns[5].(string); first {
			last = number(columns[4])
			i.Snapshot = &store.Snapshot{
				Instance: i.Key, Version: last, Commit: store.CommitID(number(columns[6])), Schema: request.Schema, State: []byte(state),
			}
		}
		if version, there := columns[7].(int64); there {
			if last++; version != last {
				return fmt.Errorf("event %d is not there, but event %d is", last, version)
			}
			i.Events = append(i.Events, store.StoredEvent{
				Instance: i.Key, Version: version, GlobalSequence: number(columns[8]), Type: text(columns[9]),
				SchemaVersion: int(number(columns[10])), Payload: []byte(text(columns[11])),
				RecordedAt: fromMicros(number(columns[12])), Commit: store.CommitID(number(columns[13])),
			})
		}
		if parent, first := columns[14].(string); first {
			var err error
			if i.Parent, err = store.DecodeParent(parent); err != nil {
				return fmt.Errorf("its parent: %w", err)
			}
		}
		if created, first := columns[15].(int64); first {
			i.Created = store.CommitID(created)
		}
		if after, first := columns[16].(int64); first {
			i.AfterCommit = store.CommitID(after)
		}
		return ctx.Err()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return on.query(row, readInstance, request.Schema, request.After, request.Completed,
		request.Instance.ID, request.Instance.Workflow)
}

// isAt reports whether an instance is at a version, by the commit that is given with it.
func isAt(on session, want *store.InstanceVersion) (bool, error) {
	var version, last int64
	row := func(columns []driver.Value) error {
		version, last = number(columns[0]), number(columns[1])
		return nil
	}
	err := on.query(row, versionOf, want.Instance.ID, want.Instance.Workflow)
	return version == want.Version && (want.LastCommit == 0 || last == int64(want.LastCommit)), err
}

// Times are kept as microseconds since 1970.

func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(n int64) time.Time { return time.UnixMicro(n).UTC() }
