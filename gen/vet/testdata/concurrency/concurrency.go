// Package concurrency does things at the same time.
package concurrency

import (
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/gen/vet/testdata/shop"
)

type deciding struct {
	shop.Decider
	updates chan int64
	table   func() map[string]int64
	mu      *sync.Mutex
}

func (d deciding) Create(now time.Time, s shop.State, in shop.Create) shop.CreateDecision {
	results := make(chan int64) // want `^concurrency: the decider deciding.Create makes a channel; do it in a plain loop, or in an effect$`
	for _, item := range in.Items {
		go func() { // want `starts a goroutine`
			results <- item.Quantity // want `sends on a channel`
		}()
	}
	close(results)               // want `closes a channel`
	for total := range results { // want `receives from a channel`
		_ = total
	}
	_ = <-d.updates // want `receives from a channel`
	select {        // want `selects between channels`
	default:
	}
	d.parallel() // want `calls deciding.parallel, which calls sync.WaitGroup.Go`
	return d.Decider.Create(now, s, in)
}

func (d deciding) parallel() {
	var wg sync.WaitGroup
	wg.Go(func() {})
	wg.Wait()
}

func (d deciding) Pay(now time.Time, s shop.State, in shop.Pay) shop.PayDecision {
	// What is made once, and locks around what does not change, are harmless.
	d.mu.Lock()
	defer d.mu.Unlock()
	_ = prices()["a"] + d.table()["b"]
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	return d.Decider.Pay(now, s, in)
}

var prices = sync.OnceValue(func() map[string]int64 { return map[string]int64{"a": 1} })

var buffers = sync.Pool{New: func() any { return new([]byte) }}
