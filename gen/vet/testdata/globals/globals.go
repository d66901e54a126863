// Package globals uses what outlives a decision.
package globals

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/gen/vet/testdata/globals/settings"
	"github.com/ironflow-gen/ironflow/gen/vet/testdata/shop"
)

var (
	numbers  int64
	seen     = map[string]bool{}
	last     struct{ id string }
	counter  atomic.Int64
	hits     atomic.Int64
	raw      int64
	cache    sync.Map
	logger   = slog.Default()
	discount = 10
	prices   = map[string]int64{"a": 1}
	registry = map[string]func() int64{}
	filled   []string
)

func init() { discount = 20; fill() }

// fill is called by init alone.
func fill() { filled = append(filled, "a"); more() }

func more() { filled = append(filled, "b") }

// SetLogger replaces the logger, which no decision depends on.
func SetLogger(l *slog.Logger) { logger = l }

type deciding struct{ shop.Decider }

func (d deciding) Create(now time.Time, s shop.State, in shop.Create) shop.CreateDecision {
	numbers++               // want `^globals: the decider deciding.Create writes the package variable numbers; keep it in the state, or bring it in the input$`
	seen[in.OrderID] = true // want `writes the package variable seen`
	if seen[in.OrderID] {   // want `^globals: the decider deciding.Create reads the package variable seen, which globals.go:\d+ writes; keep`
		delete(seen, in.OrderID) // want `writes the package variable seen`
	}
	last.id = in.OrderID          // want `writes the package variable last`
	n := counter.Add(1)           // want `writes the package variable counter`
	m := atomic.AddInt64(&raw, 1) // want `writes the package variable raw`
	cache.Store(in.OrderID, now)  // want `writes the package variable cache`
	_, _ = cache.Load(in.OrderID) // want `reads the package variable cache`
	_ = settings.Limit            // want `reads the package variable settings.Limit, which settings/settings.go:\d+ writes`
	_ = settings.Count()          // want `calls settings.Count, which (reads|writes) the package variable settings.calls`
	settings.Limit = 3            // want `writes the package variable settings.Limit`
	_, _ = n, m

	// What only the start of the program sets does not change, and who counts without looking does not depend on it.
	_ = discount + settings.Fixed + int(prices["a"]) + settings.Table()["a"] + len(filled) + len(registry)
	hits.Add(1)
	logger.Info("created")
	return d.Decider.Create(now, s, in)
}

// keeping has fields that it changes.
type keeping struct {
	shop.Decider
	calls  int
	last   map[string]time.Time
	limit  int
	recent [4]string
}

func (k *keeping) Create(now time.Time, s shop.State, in shop.Create) shop.CreateDecision {
	k.calls++                // want `^globals: the decider keeping.Create changes k.calls, which outlives the decision; keep it in the state: the decider is shared by all instances$`
	k.last[in.OrderID] = now // want `changes k.last\[in.OrderID\]`
	k.recent[0] = in.OrderID // want `changes k.recent\[0\]`
	k.note(in)               // want `calls keeping.note, which changes k.calls`
	if k.limit < len(in.Items) {
		return shop.RejectCreate(shop.Invalid{})
	}
	return k.Decider.Create(now, s, in)
}

func (k *keeping) note(shop.Create) { k.calls = 0 }

// copied has a value for a receiver.
type copied struct {
	shop.Decider
	calls  int
	last   map[string]time.Time
	recent [4]string
}

func (c copied) Create(now time.Time, s shop.State, in shop.Create) shop.CreateDecision {
	c.calls++ // of the copy
	c.recent[0] = in.OrderID
	c.last[in.OrderID] = now // want `changes c.last`
	local := builder{}
	local.add("a")
	return c.Decider.Create(now, s, in)
}

type builder struct{ parts []string }

func (b *builder) add(s string) { b.parts = append(b.parts, s) }
