package storetest

// queueRules hold for effects and for timers.
var queueRules = []queueRule{
	{name: "a claim returns what is due and all that is known of it", check: claimReturns},
	{name: "nothing is due before its time", check: claimWaits},
	{name: "a claim returns the kinds asked for and no others", check: claimKinds},
	{name: "a claim returns the oldest of a kind first, up to the limit", check: claimOldest},
	{name: "a claim leaves out what is due before its bound, and a look back finds it", check: claimFrom},
	{name: "a look back finds nothing of paused workflows, nor what is leased or dead", check: lookBack},
	{name: "concurrent claims never return the same delivery", check: claimConcurrently},
	{name: "a claim of nothing, or without kinds or limit, returns nothing", check: claimNothing},
	{name: "a lease that ran out is due again with another token, and its holder is too late", check: leaseRunsOut},
	{name: "a lease that ran out still counts until the next claim", check: leaseRunsOutUnclaimed},
	{name: "each claim counts an attempt", check: claimCounts},
	{name: "leases from a time that has yet to come are set back, and held as before", check: realign},
	{name: "extend keeps a lease and reports those that are lost", check: extend},
	{name: "done deletes", check: settleDone},
	{name: "retry later waits until its time and keeps the error", check: settleRetry},
	{name: "dead stays, with the error, and is never claimed", check: settleDead},
	{name: "release gives the attempt back", check: settleRelease},
	{name: "again makes it as new", check: settleAgain},
	{name: "a settled lease is over", check: settledIsOver},
	{name: "settle does what it can and reports those that are lost", check: settleSome},
	{name: "large batches", check: largeBatches},
	{name: "any error text is stored", check: errorTexts},
	{name: "consumption happens once under concurrency", check: consumeOnce},
	{name: "what was consumed is gone", check: consumedIsOver},
}
