// Package transfer moves instances between stores, as JSON lines: [Export] writes them, [Import] stores them, [Read] reads the lines
// without a store, and [Write] writes a single instance. It knows no workflow and runs no code of one.
//
// An instance is a line "instance", followed by its events, unique keys, waiting effects and timers, outcomes of inputs, and records of
// ended deliveries, one on a line:
//
//	{"instance":{"format":1,"workflow":"order","id":"o-1","version":2,"unique_keys":["c-7"],"lines":3}}
//	{"event":{"version":1,"type":"Created","schema_version":1,"recorded_at":"2026-01-02T03:04:05Z","commit":"7","payload":{"total_cents":900}}}
//	{"event":{"version":2,"type":"Paid","schema_version":1,"recorded_at":"2026-01-02T03:05:05Z","commit":"8","status":"paid","payload":{}}}
//	{"effect":{"version":2,"position":0,"kind":"SendReceipt","due_at":"2026-01-02T03:05:05Z","commit":"8","payload":{"email":"a@b.c"}}}
//
// Versions, times, payloads, idempotency keys and the numbers of commits stay as they are. White space between the tokens of a payload is
// not kept. In the new store, the events get new numbers in the feed. Snapshots, observations, schedules, discarded dead letters and the
// state of projections are not part of an export.
//
// A file that was written by hand or by a conversion needs, of an instance, "workflow" and "id"; of an event, "version", "type",
// "recorded_at" and "payload".
package transfer
