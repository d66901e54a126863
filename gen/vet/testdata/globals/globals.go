// Package globals uses what outlives a decision.
package globals

import (
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/gen/vet/testdata/globals/settings"
	"github.com/ironflow-gen/ironflow/gen/vet/testdata/shop"
)

var (
	numbers int64
	seen    = map[string]bool{}
	last    struct{ id string }
	hits    atomic.Int64
	prices  = map[string]int64{"a": 1}
)

type deciding struct{ shop.Decider }

func (d deciding) Create(now time.Time, s shop.State, in shop.Create) shop.CreateDecision {
	numbers++               // want `^globals: the decider deciding.Create writes the package variable numbers; keep it in the state, or bring it in the input$`
	seen[in.OrderID] = true // want `writes the package variable seen`
	if seen[in.OrderID] {
		delete(seen, in.OrderID) // want `writes the package variable seen`
	}
	last.id = in.OrderID // want `writes the package variable last`
	_ = settings.Count() // want `calls settings.Count, which writes the package variable settings.calls`
	settings.Limit = 3   // want `writes the package variable settings.Limit`

	// Reading, counting and what happens once are not reported.
	_ = settings.Limit + int(prices["a"]) + settings.Table()["a"]
	hits.Add(1)
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
