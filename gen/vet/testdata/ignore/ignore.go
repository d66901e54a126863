// Package ignore suppresses findings.
package ignore

import (
	"time"

	"github.com/ironflow-gen/ironflow/gen/vet/testdata/shop"
)

type deciding struct{ shop.Decider }

func (d deciding) Create(now time.Time, s shop.State, in shop.Create) shop.CreateDecision {
	//ironflow:ignore clock the year of the copyright notice may be any
	_ = time.Now()
	_ = time.Now() //ironflow:ignore clock at the end of the line
	//ironflow:ignore clock the first of two
	// want +1 `^ignore: the comment suppresses nothing: random finds nothing here; remove it$`
	//ironflow:ignore random nothing random is below
	_ = time.Now()

	// want +1 `ignore: the comment suppresses nothing: clock`
	_ = now //ironflow:ignore clock nothing is found here
	// want +1 `clock: the decider` `ignore: the comment gives no reason, so it suppresses nothing; write //ironflow:ignore clock and why`
	_ = time.Now() //ironflow:ignore clock
	// want +1 `clock: the decider` `ignore: there is no analyzer klock; they are clock, `
	_ = time.Now() //ironflow:ignore klock because
	// want +1 `clock: the decider` `ignore: the comment does not say what to ignore; write //ironflow:ignore ANALYZER reason, the analyzer being one of clock, `
	_ = time.Now() //ironflow:ignore
	_ = helper()
	_ = other() // want `clock: the decider deciding.Create calls other`
	return d.Decider.Create(now, s, in)
}

func helper() time.Time {
	return time.Now() //ironflow:ignore clock whoever calls it knows
}

func other() time.Time {
	return time.Now() // ironflow:ignore clock a comment with a space is an ordinary one
}
