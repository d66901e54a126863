package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/bench/internal/report"
)

// rows is the table. Goals are ratios where there is a reference, and otherwise about the figure itself.
func rows() []report.Row {
	one := func(figure string) []string { return []string{figure} }
	return []report.Row{
		{Name: "decisions, 1 caller", Unit: "/s", Ours: one(oursAt(1) + "/rate"), Reference: seedAt(1) + "/rate"},
		{Name: "decisions, 1 caller, p50", Unit: "ms", Ours: one(oursAt(1) + "/p50"), Reference: seedAt(1) + "/p50", AtMost: true},
		{Name: "decision, 1 caller, p50; one autocommitted UPDATE", Unit: "ms", Ours: one(oursAt(1) + "/p50"), Reference: "one UPDATE/p50", AtMost: true, Required: 1.25, Stretch: 1.15},
		{Name: "decisions, 1 caller, p99", Unit: "ms", Ours: one(oursAt(1) + "/p99"), Reference: seedAt(1) + "/p99", AtMost: true},
		{Name: "decisions, 8 callers", Unit: "/s", Ours: one(oursAt(8) + "/rate"), Reference: seedAt(8) + "/rate"},
		{Name: "decisions, 8 callers, p50", Unit: "ms", Ours: one(oursAt(8) + "/p50"), Reference: seedAt(8) + "/p50", AtMost: true},
		{Name: "decisions, 64 callers", Unit: "/s", Ours: one(oursAt(64) + "/rate"), Reference: seedAt(64) + "/rate"},
		{Name: "decisions, 64 callers, p50", Unit: "ms", Ours: one(oursAt(64) + "/p50"), Reference: seedAt(64) + "/p50", AtMost: true},
		{Name: "decisions, 64 callers, p99", Unit: "ms", Ours: one(oursAt(64) + "/p99"), Reference: seedAt(64) + "/p99", AtMost: true},
		{Name: "decisions, 256 callers; seed: 64", Unit: "/s", Ours: one(oursAt(256) + "/rate"), Reference: seedAt(64) + "/rate"},
		{Name: "decisions, 256 callers", Unit: "/s", Ours: one(oursAt(256) + "/rate"), Reference: seedAt(256) + "/rate"},
		{Name: "decisions, 256 callers, p50", Unit: "ms", Ours: one(oursAt(256) + "/p50"), Reference: seedAt(256) + "/p50", AtMost: true},
		{Name: "decisions, 256 callers, p99", Unit: "ms", Ours: one(oursAt(256) + "/p99"), Reference: seedAt(256) + "/p99", AtMost: true},
		{Name: "decisions, 256 callers, processor time", Unit: "µs", Ours: one(oursAt(256) + "/cpu"), AtMost: true, Required: 28, Stretch: 20},
		{Name: "decisions, 256 callers, of it the client's", Unit: "µs", Ours: one(oursAt(256) + "/client"), AtMost: true},
		{Name: "decisions, 512 callers; seed: 64", Unit: "/s", Ours: one(oursAt(512) + "/rate"), Reference: seedAt(64) + "/rate"},
		{Name: "decisions, 512 callers, p50", Unit: "ms", Ours: one(oursAt(512) + "/p50"), AtMost: true},
		{Name: "decisions, 512 callers, p99", Unit: "ms", Ours: one(oursAt(512) + "/p99"), AtMost: true},
		{Name: "decisions, 256 callers; pgbench: best", Unit: "/s", Ours: one(oursAt(256) + "/rate"), Reference: "pgbench/rate", Required: 2.5, Stretch: 4},
		{Name: "the same; pgbench: one statement", Unit: "/s", Ours: one(oursAt(256) + "/rate"), Reference: "pgbench, one statement/rate"},
		{Name: "decisions, 256+ callers; server only", Unit: "/s", Ours: []string{oursAt(256) + "/rate", oursAt(512) + "/rate"},
			Reference: "server only/rate", Required: 0.6, Stretch: 0.75},
		{Name: "decision, cold, 1 caller, p50", Unit: "ms", Ours: one("ours, cold/p50"), Reference: seedAt(1) + "/p50", AtMost: true},
		{Name: "rejection, 1 caller, p50", Unit: "ms", Ours: one("ours, rejection/p50"), AtMost: true},
		{Name: "starts with a unique key, 64 callers", Unit: "/s", Ours: one(keyedAt(64) + "/rate"), Required: 12_000, Stretch: 20_000},
		{Name: "creations with a unique key, 64 callers; without", Unit: "/s", Ours: one(keyedAt(64) + "/rate"), Reference: creationsAt(64) + "/rate"},
		{Name: "creations with a unique key, 256 callers; without", Unit: "/s", Ours: one(keyedAt(256) + "/rate"), Reference: creationsAt(256) + "/rate"},
		{Name: "creations with a unique key, 256 callers, p50", Unit: "ms", Ours: one(keyedAt(256) + "/p50"), Reference: creationsAt(256) + "/p50", AtMost: true},
		{Name: "SQLite, creations with a unique key, 64 callers; without", Unit: "/s", Ours: one("creations with keys, sqlite/rate"), Reference: "creations, sqlite/rate"},
		{Name: "effects, no-op handler", Unit: "/s", Ours: one("effects/rate"), Reference: "seed, effects/rate"},
		{Name: "whole loop, 256 callers", Unit: "/s", Ours: one("loop/rate")},
		{Name: "whole loop, 256 callers, processor time", Unit: "µs", Ours: one("loop/cpu"), AtMost: true, Required: 66, Stretch: 46},
		{Name: "commit to handler, idle, p50", Unit: "ms", Ours: one("latency/p50"), AtMost: true, Required: 0.25, Stretch: 0.15},
		{Name: "commit to handler, idle, p99", Unit: "ms", Ours: one("latency/p99"), AtMost: true, Required: 15, Stretch: 4},
		{Name: "await, input to return, p50", Unit: "ms", Ours: one("await/p50"), AtMost: true, Required: 3},
		{Name: "await, input to return, p99", Unit: "ms", Ours: one("await/p99"), AtMost: true},
		{Name: "await, another engine decides, p50", Unit: "ms", Ours: one("await, other engine/p50"), AtMost: true, Required: 10},
		{Name: "await, another engine decides, p99", Unit: "ms", Ours: one("await, other engine/p99"), AtMost: true},
		{Name: "await, 10,000 others wait, p50", Unit: "ms", Ours: one("await, many/p50"), AtMost: true, Required: 3},
		{Name: "await, another engine decides, 10,000 others wait, p50", Unit: "ms", Ours: one("await, other engine, many/p50"), AtMost: true, Required: 10},
		{Name: "timers due at once", Unit: "/s", Ours: one("timers/rate")},
		{Name: "history of 100; of 10 events, p50", Unit: "ms", Ours: one("history/warm 100"), Reference: "history/warm 10", AtMost: true},
		{Name: "history of 1,000; of 10 events, p50", Unit: "ms", Ours: one("history/warm 1000"), Reference: "history/warm 10", AtMost: true},
		{Name: "history of 10,000; of 10 events, p50", Unit: "ms", Ours: one("history/warm 10000"), Reference: "history/warm 10", AtMost: true, Required: 1.3, Stretch: 1.1},
		{Name: "the same, cold", Unit: "ms", Ours: one("history/cold 10000"), Reference: "history/cold 10", AtMost: true},
		{Name: "the same, cold, no snapshot", Unit: "ms", Ours: one("history/replay 10000"), Reference: "history/replay 10", AtMost: true},
		{Name: "claim with a past; without, p50", Unit: "ms", Ours: one("claim/past"), Reference: "claim/empty", AtMost: true, Required: 1.1, Stretch: 1.02},
		{Name: "claim, many keys wait; 1,000, p50", Unit: "ms", Ours: one("keys/many"), Reference: "keys/few", AtMost: true, Required: 1.3},
		{Name: "claim, many keys at their limit; 1,000, p50", Unit: "ms", Ours: one("keys/many at their limit"), Reference: "keys/few at their limit", AtMost: true, Required: 1.3},
		{Name: "SQLite, claim, many keys wait; 1,000, p50", Unit: "ms", Ours: one("keys, sqlite/many"), Reference: "keys, sqlite/few", AtMost: true, Required: 1.3},
		{Name: "SQLite, claim, many keys at their limit; 1,000, p50", Unit: "ms", Ours: one("keys, sqlite/many at their limit"), Reference: "keys, sqlite/few at their limit", AtMost: true, Required: 1.3},
		{Name: "SQLite, 64 callers; one by one", Unit: "/s", Ours: one("sqlite/rate"), Reference: "sqlite, one by one/rate", Required: 6, Stretch: 8},
		{Name: "SQLite, 64 callers, p50", Unit: "ms", Ours: one("sqlite/p50"), Reference: "sqlite, one by one/p50", AtMost: true},
		{Name: "memory at 256 callers, from the OS", Unit: "MB", Ours: one("memory/sys"), AtMost: true, Required: 200, Stretch: 100},
		{Name: "memory at 256 callers, heap in use", Unit: "MB", Ours: one("memory/heap"), AtMost: true},
		{Name: "decisions with a shadow of a tenth; without, processor time", Unit: "µs", Ours: one("shadow/with"), Reference: "shadow/without",
			AtMost: true, Required: 1.05},
		{Name: "verify, for a million events", Unit: "s", Ours: one("verify/million"), AtMost: true, Required: 10},
		{Name: "verify, memory from the OS", Unit: "MB", Ours: one("verify/memory"), AtMost: true, Required: 200},
		{Name: "verify, SQLite, for a million events", Unit: "s", Ours: one("verify, sqlite/million"), AtMost: true, Required: 10},
		{Name: "verify, SQLite, memory from the OS", Unit: "MB", Ours: one("verify, sqlite/memory"), AtMost: true, Required: 200},
		{Name: "codec, both ways; encoding/json", Unit: "/s", Ours: one("codec/both"), Reference: "codec/json both", Required: 3, Stretch: 5},
		{Name: "codec, encode", Unit: "/s", Ours: one("codec/encode"), Reference: "codec/json encode"},
		{Name: "codec, decode", Unit: "/s", Ours: one("codec/decode"), Reference: "codec/json decode"},
		{Name: "generate ten workflows, in memory", Unit: "ms", Ours: one("generate/p50"), AtMost: true, Required: 60},
		{Name: "breaking, 50 changed workflows, lock and git", Unit: "ms", Ours: one("breaking/p50"), AtMost: true, Required: 200},
		{Name: "checker, transitions of the order", Unit: "/s", Ours: one("ironflowtest/transitions/s"), Stretch: 200_000},
		{Name: "simulator, steps", Unit: "/s", Ours: one("ironflowtest/steps/s"), Stretch: 50_000},
		{Name: "simulator, 30 days with daily timers", Unit: "s", Ours: one("ironflowtest/s/month"), AtMost: true, Required: 1},
		{Name: "simulator, shrinking a failure", Unit: "s", Ours: one("ironflowtest/s/shrink"), AtMost: true, Required: 10},
		{Name: "simulator, steps of the failure then", Ours: one("ironflowtest/steps/story"), AtMost: true, Required: 5},
		{Name: "a test of given, when and then", Unit: "ms", Ours: one("ironflowtest/ms/given"), AtMost: true, Required: 1},
		{Name: "load generator, empty calls", Unit: "/s", Ours: one("load generator/rate")},
	}
}

// probes are all there are, in the order in which a round runs them.
func probes() []probe {
	return slices.Concat(
		memoryProbes(),
		decisionProbes(),
		creationProbes(),
		limitProbes(),
		deliveryProbes(),
		awaitProbes(),
		embeddedProbes(),
		historyProbes(),
		shadowProbes(),
		verifyProbes(),
		claimProbes(),
		keyProbes(),
		codecProbes(),
		generatorProbes(),
		testProbes(),
		[]probe{{name: "load generator", once: true, run: emptyCalls}},
	)
}

// selectRows returns the rows whose names match.
func selectRows(filter *regexp.Regexp) []report.Row {
	return slices.DeleteFunc(rows(), func(r report.Row) bool { return !filter.MatchString(r.Name) })
}

// probesOf returns what must be measured for the rows.
func probesOf(rows []report.Row) []probe {
	needed := make(map[string]bool)
	for _, r := range rows {
		for _, figure := range append(r.Ours[:len(r.Ours):len(r.Ours)], r.Reference) {
			name, _, _ := strings.Cut(figure, "/")
			needed[name] = true
		}
	}
	return slices.DeleteFunc(probes(), func(p probe) bool { return !needed[p.name] })
}
