// Package transfer moves instances between stores as JSON lines. [Export] writes the instances of a store, and [Import] stores them in
// another store. [Read] and [Write] convert lines to instances and back, without a store. The package needs no code of the workflows, and
// runs none.
//
// The first line of an instance has its id, its unique keys, the values of its search fields, and the number of lines that follow. Then each event, waiting effect,
// waiting timer, outcome of an input, and record of an ended delivery has a line of its own. Dead letters are among the waiting effects
// and timers. This is an instance with two events and an effect:
//
//	{"instance":{"format":1,"workflow":"order","id":"o-1","version":2,"unique_keys":["c-7"],"lines":3}}
//	{"event":{"version":1,"type":"Created","schema_version":1,"recorded_at":"2026-01-02T03:04:05Z","commit":"7","payload":{"total_cents":900}}}
//	{"event":{"version":2,"type":"Paid","schema_version":1,"recorded_at":"2026-01-02T03:05:05Z","commit":"8","status":"paid","payload":{}}}
//	{"effect":{"version":2,"position":0,"kind":"SendReceipt","due_at":"2026-01-02T03:05:05Z","commit":"8","payload":{"email":"a@b.c"}}}
//
// In the new store, an instance has the same versions, times, payloads, idempotency keys and commit numbers. Two things change: payloads
// lose the white space between their tokens, and events get new numbers in the feed. An export does not contain snapshots, observations,
// schedules, records of discarded dead letters, or the state of projections.
//
// You can also write the lines by hand, or convert the data of another program into them. Then the line of an instance needs only
// "workflow" and "id", and the line of an event only "version", "type", "recorded_at" and "payload".
package transfer
