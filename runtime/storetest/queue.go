package storetest

// queueRules hold for effects and for timers.
var queueRules = []queueRule{
	{"a claim returns what is due and all that is known of it", claimReturns},
	{"nothing is due before its time", claimWaits},
	{"a claim returns the kinds asked for and no others", claimKinds},
	{"a claim returns the oldest of a kind first, up to the limit", claimOldest},
	{"a claim leaves out what is due before its bound, and a look back finds it", claimFrom},
	{"a look back finds nothing of paused workflows, nor what is leased or dead", lookBack},
	{"concurrent claims never return the same delivery", claimConcurrently},
	{"a claim of nothing, or without kinds or limit, returns nothing", claimNothing},
	{"a lease that ran out is due again with another token, and its holder is too late", leaseRunsOut},
	{"a lease that ran out still counts until the next claim", leaseRunsOutUnclaimed},
	{"each claim counts an attempt", claimCounts},
	{"leases from a time that has yet to come are set back, and held as before", realign},
	{"extend keeps a lease and reports those that are lost", extend},
	{"done deletes", settleDone},
	{"retry later waits until its time and keeps the error", settleRetry},
	{"dead stays, with the error, and is never claimed", settleDead},
	{"release gives the attempt back", settleRelease},
	{"again makes it as new", settleAgain},
	{"a settled lease is over", settledIsOver},
	{"settle does what it can and reports those that are lost", settleSome},
	{"large batches", largeBatches},
	{"any error text is stored", errorTexts},
	{"consumption happens once under concurrency", consumeOnce},
	{"what was consumed is gone", consumedIsOver},
}
