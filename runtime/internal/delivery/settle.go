package delivery

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// maxSettling is how many settlements may wait for one call, and go into it.
const maxSettling = 1024

// gatherSettlements is how long a call waits for more settlements, unless there are as many as handlers. Nobody waits for a settlement,
// as its handler is free, and a call costs as much as the settling of thirty deliveries.
const gatherSettlements = 2 * time.Millisecond

// settler settles deliveries, all that wait in one call. A call that fails is repeated while the leases last. After that the deliveries are
// due again.
type settler struct {
	worker  *worker
	waiting chan *settling
}

type settling struct {
	store.Settlement
	done func()
}

func newSettler(w *worker) *settler {
	return &settler{worker: w, waiting: make(chan *settling, maxSettling)}
}

// add lets a settlement wait for the next call. done is called when it was made or given up.
func (s *settler) add(settlement store.Settlement, done func()) {
	s.waiting <- &settling{settlement, done}
}

// close makes run return when nothing waits any more. Nothing may be added after it.
func (s *settler) close() { close(s.waiting) }

func (s *settler) run() {
	for first := range s.waiting {
		s.settle(s.takeWaiting(first))
	}
}

func (s *settler) takeWaiting(first *settling) []*settling {
	batch := []*settling{first}
	gathered := time.After(gatherSettlements)
	for len(batch) < s.worker.slots {
		select {
		case next, ok := <-s.waiting:
			if !ok {
				return batch
			}
			batch = append(batch, next)
			continue
		case <-gathered:
		}
		break
	}
	for len(batch) < maxSettling {
		select {
		case next, ok := <-s.waiting:
			if !ok {
				return batch
			}
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

func (s *settler) settle(batch []*settling) {
	config := s.worker.config
	settlements := make([]store.Settlement, len(batch))
	for i, b := range batch {
		settlements[i] = b.Settlement
	}
	ctx, cancel := context.WithTimeout(context.Background(), config.Lease)
	defer cancel()
	begin := time.Now()
	var lost []store.Lease
	err := bound.Retry(ctx, config.Clock, func() (err error) {
		lost, err = s.worker.queue.Settle(ctx, settlements)
		return bound.FromStore(err)
	})
	if err != nil {
		config.Logger.ErrorContext(ctx, "ironflow: settling failed; the deliveries are due again when their leases end",
			"deliveries", len(batch), "error", err)
	}
	if err == nil && config.Settled != nil {
		config.Settled(settlements)
	}
	if config.Telemetry != nil {
		report := telemetry.SettlementReport{Queue: s.worker.name, Lost: len(lost), Duration: time.Since(begin), Err: err}
		if err == nil {
			report.Settled = len(batch) - len(lost)
		}
		config.Telemetry.Settled(report)
	}
	for _, lease := range lost {
		log := config.Logger.With("workflow", lease.Instance.Workflow, "instance", lease.Instance.ID)
		s.worker.lost(ctx, log, lease, &store.LeaseLost{Lease: lease})
	}
	for _, b := range batch {
		b.done()
	}
}
