package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// checker looks at the events that a reader gets.
type checker struct {
	wants func(version int64) bool // of the events of an instance; nil for all

	mu         sync.Mutex
	seen       map[runtime.InstanceKey]map[int64]bool
	newest     map[runtime.InstanceKey]int64
	repeated   int
	inversions int
	distinct   atomic.Int64
}

func newChecker() *checker {
	return &checker{seen: map[runtime.InstanceKey]map[int64]bool{}, newest: map[runtime.InstanceKey]int64{}}
}

func (c *checker) see(instance runtime.InstanceKey, version int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := c.seen[instance]
	if seen == nil {
		seen = map[int64]bool{}
		c.seen[instance] = seen
	}
	switch {
	case seen[version]:
		c.repeated++
		return
	case version < c.newest[instance]:
		c.inversions++
	}
	seen[version] = true
	c.newest[instance] = max(c.newest[instance], version)
	c.distinct.Add(1)
}

// expected is how many events of the stored ones, by instance, the reader should get.
func (c *checker) expected(stored map[runtime.InstanceKey]int64) (n int) {
	for _, versions := range stored {
		for v := range versions {
			if c.wants == nil || c.wants(v+1) {
				n++
			}
		}
	}
	return n
}

// reader follows the feed until its context ends, or it has reached the end after ended is closed.
type reader struct {
	name string
	ours bool
	*checker
	follow func(ctx context.Context, ended <-chan struct{}) error
}

func (r *reader) result(stored map[runtime.InstanceKey]int64) result {
	events := int(r.distinct.Load())
	return result{r.name, r.ours, events + r.repeated, r.expected(stored) - events, r.repeated, r.inversions}
}

// subscription follows by Engine.Subscribe.
func subscription(name string, engine *runtime.Engine) *reader {
	r := &reader{name: name, ours: true, checker: newChecker()}
	r.follow = func(ctx context.Context, _ <-chan struct{}) error {
		for event, err := range engine.Subscribe(ctx, 0) {
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return err
			}
			r.see(event.Instance, event.Version)
		}
		return nil
	}
	return r
}

// pages follows page by page.
func pages(name string, feed store.Feed, limit int, wait func() bool, filters ...runtime.EventFilter) *reader {
	r := &reader{name: name, ours: true, checker: newChecker()}
	if len(filters) > 0 {
		r.wants = func(version int64) bool { return version%2 == 1 } // oddEvent
	}
	r.follow = func(ctx context.Context, _ <-chan struct{}) error {
		for wait != nil && !wait() && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		for position := runtime.FeedPosition(0); ctx.Err() == nil; {
			page, err := feed.EventsSince(ctx, position, limit, filters...)
			if err != nil {
				if ctx.Err() != nil {
					return nil
				}
				return err
			}
			for _, event := range page.Events {
				r.see(event.Instance, event.Version)
			}
			if position = page.Next; len(page.Events) == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		return nil
	}
	return r
}

// visible follows what a query finds after the highest number so far.
func visible(name string, query func(ctx context.Context, after int64) ([]runtime.StoredEvent, error)) *reader {
	r := &reader{name: name, checker: newChecker()}
	r.follow = func(ctx context.Context, ended <-chan struct{}) error {
		for after, rest := int64(0), false; ; {
			select {
			case <-ended:
				rest = true
			default:
			}
			events, err := query(ctx, after)
			if err != nil {
				return err
			}
			for _, event := range events {
				r.see(event.Instance, event.Version)
				after = max(after, event.GlobalSequence)
			}
			if len(events) == 0 {
				if rest {
					return nil
				}
				time.Sleep(time.Millisecond)
			}
		}
	}
	return r
}

// patience is how long to wait, after the last event was written, for a reader that makes no progress.
const patience = 20 * time.Second

// stress is one run.
func stress(ctx context.Context, b backend, size size, log io.Writer) (*report, error) {
	var written atomic.Int64
	half := func() bool { return written.Load() >= int64(size.events/2) }
	readers, err := b.readers(half)
	if err != nil {
		return nil, err
	}
	reading, stopReading := context.WithCancel(ctx)
	defer stopReading()
	ended := make(chan struct{})
	errs := make([]error, len(readers))
	var group sync.WaitGroup
	for i, r := range readers {
		group.Go(func() {
			if errs[i] = r.follow(reading, ended); errs[i] != nil {
				errs[i] = fmt.Errorf("%s: %w", r.name, errs[i])
			}
		})
	}
	progress, stopProgress := context.WithCancel(ctx)
	go printProgress(progress, log, &written)
	began := time.Now()
	writes, err := writeAll(ctx, b, size, &written)
	took := time.Since(began)
	stopProgress()
	close(ended)
	var stored map[runtime.InstanceKey]int64
	if err == nil {
		stored, err = b.stored(ctx)
	}
	if err == nil {
		awaitReaders(ctx, readers, stored)
	}
	stopReading()
	group.Wait()
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	report := &report{took: took, writes: writes}
	for _, n := range stored {
		report.stored += int(n)
	}
	for _, r := range readers {
		report.readers = append(report.readers, r.result(stored))
	}
	return report, nil
}

// awaitReaders waits until the readers of ironflow have all events, or are stuck.
func awaitReaders(ctx context.Context, readers []*reader, stored map[runtime.InstanceKey]int64) {
	var last int64
	for since := time.Now(); ctx.Err() == nil && time.Since(since) < patience; time.Sleep(5 * time.Millisecond) {
		missing, sum := 0, int64(0)
		for _, r := range readers {
			if r.ours {
				got := r.distinct.Load()
				missing += r.expected(stored) - int(got)
				sum += got
			}
		}
		if missing <= 0 {
			return
		}
		if sum != last {
			last, since = sum, time.Now()
		}
	}
}

func printProgress(ctx context.Context, log io.Writer, written *atomic.Int64) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(5 * time.Second):
			fmt.Fprintf(log, "%d events written\n", written.Load())
		}
	}
}
