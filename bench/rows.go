package main

import (
	"regexp"
	"slices"
	"strings"
)

// row is a case of the table. Ours and the reference are figures that probes found, as "probe/figure".
type row struct {
	name      string
	unit      string
	ours      []string // the highest of them
	reference string   // empty: none
	atMost    bool     // lower is better
	required  float64  // 0: for information only
	stretch   float64
}

// rows is the table. Goals are ratios where there is a reference, and otherwise about the figure itself.
func rows() []row {
	one := func(figure string) []string { return []string{figure} }
	return []row{
		{name: "decisions, 1 caller", unit: "/s", ours: one(oursAt(1) + "/rate"), reference: seedAt(1) + "/rate", required: 2.5, stretch: 3.3},
		{name: "decisions, 1 caller, p50", unit: "ms", ours: one(oursAt(1) + "/p50"), reference: seedAt(1) + "/p50", atMost: true, required: 1},
		{name: "decisions, 1 caller, p99", unit: "ms", ours: one(oursAt(1) + "/p99"), reference: seedAt(1) + "/p99", atMost: true},
		{name: "decisions, 8 callers", unit: "/s", ours: one(oursAt(8) + "/rate"), reference: seedAt(8) + "/rate"},
		{name: "decisions, 8 callers, p50", unit: "ms", ours: one(oursAt(8) + "/p50"), reference: seedAt(8) + "/p50", atMost: true},
		{name: "decisions, 64 callers", unit: "/s", ours: one(oursAt(64) + "/rate"), reference: seedAt(64) + "/rate", required: 8, stretch: 13},
		{name: "decisions, 64 callers, p50", unit: "ms", ours: one(oursAt(64) + "/p50"), reference: seedAt(64) + "/p50", atMost: true},
		{name: "decisions, 64 callers, p99", unit: "ms", ours: one(oursAt(64) + "/p99"), reference: seedAt(64) + "/p99", atMost: true},
		{name: "decisions, 256 callers; seed: 64", unit: "/s", ours: one(oursAt(256) + "/rate"), reference: seedAt(64) + "/rate", required: 15, stretch: 19},
		{name: "decisions, 256 callers", unit: "/s", ours: one(oursAt(256) + "/rate"), reference: seedAt(256) + "/rate"},
		{name: "decisions, 256 callers, p50", unit: "ms", ours: one(oursAt(256) + "/p50"), reference: seedAt(256) + "/p50", atMost: true},
		{name: "decisions, 256 callers, p99", unit: "ms", ours: one(oursAt(256) + "/p99"), reference: seedAt(256) + "/p99", atMost: true},
		{name: "decisions, 256 callers, processor time", unit: "µs", ours: one(oursAt(256) + "/cpu"), reference: seedAt(256) + "/cpu", atMost: true},
		{name: "decisions, 256 callers, of it the client's", unit: "µs", ours: one(oursAt(256) + "/client"), reference: seedAt(256) + "/client", atMost: true},
		{name: "decisions, 512 callers; seed: 64", unit: "/s", ours: one(oursAt(512) + "/rate"), reference: seedAt(64) + "/rate"},
		{name: "decisions, 512 callers, p50", unit: "ms", ours: one(oursAt(512) + "/p50"), atMost: true},
		{name: "decisions, 512 callers, p99", unit: "ms", ours: one(oursAt(512) + "/p99"), atMost: true},
		{name: "decisions, 256 callers; pgbench: best", unit: "/s", ours: one(oursAt(256) + "/rate"), reference: "pgbench/rate", required: 2.5, stretch: 4},
		{name: "the same; pgbench: one statement", unit: "/s", ours: one(oursAt(256) + "/rate"), reference: "pgbench, one statement/rate"},
		{name: "decisions, 256+ callers; server only", unit: "/s", ours: []string{oursAt(256) + "/rate", oursAt(512) + "/rate"},
			reference: "server only/rate", required: 0.4, stretch: 0.6},
		{name: "decision, cold, 1 caller, p50", unit: "ms", ours: one("ours, cold/p50"), reference: seedAt(1) + "/p50", atMost: true},
		{name: "rejection, 1 caller, p50", unit: "ms", ours: one("ours, rejection/p50"), atMost: true},
		{name: "effects, no-op handler", unit: "/s", ours: one("effects/rate"), reference: "seed, effects/rate", required: 10, stretch: 15},
		{name: "whole loop, 256 callers", unit: "/s", ours: one("loop/rate")},
		{name: "commit to handler, idle, p50", unit: "ms", ours: one("latency/p50"), atMost: true, required: 3, stretch: 1.6},
		{name: "commit to handler, idle, p99", unit: "ms", ours: one("latency/p99"), atMost: true, required: 15, stretch: 4},
		{name: "timers due at once", unit: "/s", ours: one("timers/rate")},
		{name: "history of 100; of 10 events, p50", unit: "ms", ours: one("history/warm 100"), reference: "history/warm 10", atMost: true},
		{name: "history of 1,000; of 10 events, p50", unit: "ms", ours: one("history/warm 1000"), reference: "history/warm 10", atMost: true},
		{name: "history of 10,000; of 10 events, p50", unit: "ms", ours: one("history/warm 10000"), reference: "history/warm 10", atMost: true, required: 1.3, stretch: 1.1},
		{name: "the same, cold", unit: "ms", ours: one("history/cold 10000"), reference: "history/cold 10", atMost: true},
		{name: "the same, cold, no snapshot", unit: "ms", ours: one("history/replay 10000"), reference: "history/replay 10", atMost: true},
		{name: "claim with a past; without, p50", unit: "ms", ours: one("claim/past"), reference: "claim/empty", atMost: true, required: 1.1, stretch: 1.02},
		{name: "SQLite, 64 callers; one by one", unit: "/s", ours: one("sqlite/rate"), reference: "sqlite, one by one/rate", required: 6, stretch: 8},
		{name: "SQLite, 64 callers, p50", unit: "ms", ours: one("sqlite/p50"), reference: "sqlite, one by one/p50", atMost: true},
		{name: "memory at 256 callers, from the OS", unit: "MB", ours: one("memory/sys"), atMost: true, required: 200, stretch: 100},
		{name: "memory at 256 callers, heap in use", unit: "MB", ours: one("memory/heap"), atMost: true},
		{name: "codec, both ways; encoding/json", unit: "/s", ours: one("codec/both"), reference: "codec/json both", required: 3, stretch: 5},
		{name: "codec, encode", unit: "/s", ours: one("codec/encode"), reference: "codec/json encode"},
		{name: "codec, decode", unit: "/s", ours: one("codec/decode"), reference: "codec/json decode"},
		{name: "generate ten workflows, in memory", unit: "ms", ours: one("generate/p50"), atMost: true, required: 60},
		{name: "load generator, empty calls", unit: "/s", ours: one("load generator/rate")},
	}
}

// probes are all there are, in the order in which a round runs them.
func probes() []probe {
	return slices.Concat(
		memoryProbes(),
		decisionProbes(),
		limitProbes(),
		deliveryProbes(),
		embeddedProbes(),
		historyProbes(),
		claimProbes(),
		codecProbes(),
		generatorProbes(),
		[]probe{{name: "load generator", once: true, run: emptyCalls}},
	)
}

// selectRows returns the rows whose names match.
func selectRows(filter *regexp.Regexp) []row {
	return slices.DeleteFunc(rows(), func(r row) bool { return !filter.MatchString(r.name) })
}

// probesOf returns what must be measured for the rows.
func probesOf(rows []row) []probe {
	needed := make(map[string]bool)
	for _, r := range rows {
		for _, figure := range append(r.ours, r.reference) {
			name, _, _ := strings.Cut(figure, "/")
			needed[name] = true
		}
	}
	return slices.DeleteFunc(probes(), func(p probe) bool { return !needed[p.name] })
}
