package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// check is a check that keeps histories whole or leases rightful, and a change that takes it away. The tests of a package must notice it.
type check struct {
	what, file, old, new string
	tests                string // of the file's package, unless package says another
}

// The checks that a decision makes no more than one history, and that nothing is leased without a handler. Each stands once for a batch of
// changes and once for a change alone where a store stores these in another way.
var checks = []check{
	{"postgres, a batch: the event before is there", "runtime/postgres/queries.go",
		"WHERE e.commit_id IS NULL OR e.completes OR k.last", "WHERE e.completes OR k.last", postgresRules},
	{"postgres, a batch: the event before has not completed the instance", "runtime/postgres/queries.go",
		"WHERE e.commit_id IS NULL OR e.completes OR k.last", "WHERE e.commit_id IS NULL OR k.last", postgresRules},
	{"postgres, a batch: the event before is of the commit that was read", "runtime/postgres/queries.go",
		"e.completes OR k.last <> 0 AND e.commit_id <> k.last", "e.completes", postgresRules},
	{"postgres, alone: the event before is there", postgresFunctions,
		"AND e.version = expected\n          AND", "AND e.version <= expected\n          AND", postgresRules},
	{"postgres, alone: the event before has not completed the instance", postgresFunctions,
		"AND (last_commit = 0 OR e.commit_id = last_commit) AND e.completes IS NOT TRUE", "AND (last_commit = 0 OR e.commit_id = last_commit)", postgresRules},
	{"postgres, alone: the event before is of the commit that was read", postgresFunctions,
		"AND (last_commit = 0 OR e.commit_id = last_commit) AND e.completes", "AND e.completes", postgresRules},
	{"postgres, a batch: nobody has stored an event of the version", "runtime/postgres/queries.go",
		"AS e (instance, workflow, version, type, schema_version, payload, recorded_at, cause, status, completes, parent, number)\nORDER BY e.number",
		"AS e (instance, workflow, version, type, schema_version, payload, recorded_at, cause, status, completes, parent, number)\nORDER BY e.number\nON CONFLICT DO NOTHING",
		postgresRules},
	{"postgres: what is unchanged is at the version that was read", "runtime/postgres/queries.go",
		"WHERE coalesce(l.version, 0) <> k.version OR k.last", "WHERE k.last", postgresRules},
	{"postgres: what is unchanged is of the commit that was read", "runtime/postgres/queries.go",
		"<> k.version OR k.last <> 0 AND l.commit_id IS DISTINCT FROM k.last", "<> k.version", postgresRules},
	{"postgres, a batch: what is created or completes is counted", "runtime/postgres/queries.go",
		"HAVING count(*) <> cardinality($1::text[])", "HAVING count(*) > cardinality($1::text[])", postgresRules},
	{"postgres, a batch: a transaction has its id before its events have numbers", "runtime/postgres/queries.go",
		", set_config('lock_timeout', $1::text, true), pg_current_xact_id()`", ", set_config('lock_timeout', $1::text, true)`", "^TestIDBeforeNumber$"},
	{"postgres, alone: a transaction has its id before its events have numbers", postgresFunctions,
		"    PERFORM pg_current_xact_id();\n", "", "^TestIDBeforeNumber$"},
	{"postgres, a batch: nothing is leased of a paused workflow", "runtime/postgres/queries.go",
		"FROM ironflow.paused_workflows p WHERE p.workflow = ANY ($1::text[])`", "FROM ironflow.paused_workflows p WHERE p.workflow = ANY ($1::text[]) AND false`", postgresRules},
	{"postgres, alone: nothing is leased of a paused workflow", postgresFunctions,
		"IF leased_effects IS NOT NULL AND EXISTS", "IF leased_effects IS NOT NULL AND NOT EXISTS", postgresRules},

	{"sqlite: the event before is there", "runtime/sqlite/queries.go",
		"AND e.version = given.version\n", "AND e.version = max(1, given.version - 1)\n", embeddedRules},
	{"sqlite: the event before has not completed the instance", "runtime/sqlite/queries.go",
		"(given.last = 0 OR e.commit_id = given.last) AND e.completes IS NULL`", "(given.last = 0 OR e.commit_id = given.last)`", embeddedRules},
	{"sqlite: the event before is of the commit that was read", "runtime/sqlite/queries.go",
		"AND (given.last = 0 OR e.commit_id = given.last) AND", "AND", embeddedRules},
	{"sqlite: nobody has stored an event of the version", "runtime/sqlite/changeset.go",
		"	n, err := insertEvents.exec(s.on, rows)\n	if err == nil && n != want {", "	n, err := insertEvents.exec(s.on, rows)\n	if err == nil && n > want {", embeddedRules},
	{"sqlite: what is unchanged is of the commit that was read", "runtime/sqlite/read.go",
		"version == want.Version && (want.LastCommit == 0 || last == int64(want.LastCommit))", "version == want.Version && last >= 0", embeddedRules},
	{"sqlite: nothing is leased of a paused workflow", "runtime/sqlite/change.go",
		"if err == nil && paused {", "if err != nil && paused {", embeddedRules},

	{"memory: the instance is at the version and of the commit that was read", "runtime/memory/commit.go",
		"if !c.isAt(at) || there != (c.Version > 0)", "if c.isAt(at) && false || there != (c.Version > 0)", embeddedRules},
	{"memory: the instance has not completed", "runtime/memory/commit.go", "|| !row.completedAt.IsZero() {", "{", embeddedRules},
	{"memory: the instance is of the commit that was read", "runtime/memory/commit.go",
		"return want.Version == int64(n) && (n == 0 || want.LastCommit == 0 || events[n-1].Commit == want.LastCommit)", "return want.Version == int64(n)", embeddedRules},
	{"memory: nothing is leased of a paused workflow", "runtime/memory/commit.go", "paused && changes[i].Leases()", "paused && false", embeddedRules},

	{"nothing is leased without a free handler", "runtime/internal/delivery/lending.go",
		"		if *returned == 0 {\n			return false\n		}\n", "", "Lend|Kept"},
	{"a returned handler is lent once", "runtime/internal/delivery/lending.go", "		*returned--\n", "", "Lend|Kept"},
	{"nothing is leased of a kind with limits", "runtime/internal/delivery/lending.go", "!known || route.limit != nil ||", "!known ||", "Lend|Kept"},
	{"nothing is leased after the stop", "runtime/internal/delivery/lending.go", "|| l.run.stop.Err() != nil ||", "||", "Lend|Kept"},
	{"what waits keeps a quarter of the handlers", "runtime/internal/delivery/lending.go", "l.out >= w.slots*3/4 ||", "", "Lend|Kept"},
	{"a commit that is not stored gives its handlers back", "runtime/internal/commit/batch.go",
		"		b.giveBack(err)\n		if usererr", "		if usererr", "../..:Born|Lend|Lost|Conflict"},
}

const (
	postgresFunctions = "runtime/postgres/migrations/001_initial.up.sql"

	rules         = "/^(append|commit|committed|completion|histor|race|effects_born|timers_born|set|paused|feed)"
	postgresRules = "^TestStore$" + rules
	embeddedRules = "^Test(File|Store|Rules)$" + rules
)

// runChecks takes one check after the other away, and fails when no test notices that one is missing.
func runChecks(ctx context.Context, only string) error {
	missed := 0
	for _, c := range checks {
		if !strings.Contains(c.what, only) {
			continue
		}
		file, err := filepath.Abs(filepath.FromSlash(c.file))
		if err != nil {
			return err
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("%w: run it in the root of the repository", err)
		}
		if n := bytes.Count(source, []byte(c.old)); n != 1 {
			return fmt.Errorf("%s: the text of the check %q is there %d times, want once", c.file, c.what, n)
		}
		dir, tests := filepath.Dir(c.file), c.tests
		if filepath.Base(dir) == "migrations" {
			dir = filepath.Dir(dir)
		}
		if up, rest, elsewhere := strings.Cut(tests, ":"); elsewhere {
			dir, tests = filepath.Join(dir, up), rest
		}
		result, err := try(ctx, dir, file, bytes.Replace(source, []byte(c.old), []byte(c.new), 1), "-run", tests)
		switch {
		case err != nil:
			return err
		case result == failed:
			fmt.Printf("noticed: %s\n", c.what)
		case result == broken:
			return fmt.Errorf("%s: without the check %q it does not compile", c.file, c.what)
		default:
			missed++
			fmt.Printf("NOT NOTICED: %s\n", c.what)
		}
	}
	if missed > 0 {
		return fmt.Errorf("no test notices that %d checks are missing", missed)
	}
	return nil
}
