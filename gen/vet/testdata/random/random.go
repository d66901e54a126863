// Package random draws random numbers.
package random

import (
	crand "crypto/rand"
	"hash/maphash"
	"io"
	"math/rand"
	randv2 "math/rand/v2"
	"time"

	"github.com/ironflow-gen/ironflow/gen/vet/testdata/shop"
)

type deciding struct{ shop.Decider }

func (d deciding) Create(now time.Time, s shop.State, in shop.Create) shop.CreateDecision {
	_ = rand.Int63()                             // want `^random: the decider deciding.Create calls rand.Int63; let the input bring it, or an effect draw it$`
	_ = randv2.IntN(10)                          // want `calls rand.IntN`
	rand.Shuffle(len(in.Items), func(int, int) { // want `calls rand.Shuffle`
	})
	_, _ = crand.Read(nil)                             // want `calls rand.Read`
	_, _ = io.ReadFull(crand.Reader, make([]byte, 16)) // want `uses rand.Reader`
	_ = maphash.MakeSeed()                             // want `calls maphash.MakeSeed`
	_ = number(3)                                      // want `calls number, which calls rand.N \(random.go:\d+\)`

	// With a seed of its own a generator is a function of its arguments.
	_ = rand.New(rand.NewSource(int64(len(in.OrderID)))).Intn(10)
	_ = randv2.New(randv2.NewPCG(1, 2)).IntN(10)
	return d.Decider.Create(now, s, in)
}

func number(n int) int { return randv2.N(n) }

type folding struct{ shop.Evolver }

func (folding) Paid(s shop.State, e shop.Paid) shop.State {
	s.Tags = append(s.Tags, crand.Text()) // want `^random: the evolver folding.Paid calls rand.Text; put it into the event$`
	return s
}
