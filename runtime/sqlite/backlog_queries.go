package sqlite

import "strings"

// backlogQueries are the statements of [store.Inspection] on one queue.
type backlogQueries struct {
	next, due, later, holders, blocked, nextDead, dead, waiting string
}

func newBacklogQueries(named *strings.Replacer) backlogQueries {
	return backlogQueries{
		// next finds the kind that comes next in the index of what is due, one after the other.
		next: named.Replace(`
SELECT workflow, kind FROM {table} WHERE died_at IS NULL AND (workflow, kind) > (?, ?)
ORDER BY workflow, kind LIMIT 1`),
		due: named.Replace(`
SELECT count(*), min(run_at) FROM (
    SELECT run_at FROM {table} WHERE workflow = ? AND kind = ? AND died_at IS NULL AND run_at <= ? ORDER BY run_at LIMIT ?)`),
		// later has those that are leased first: leases are short. What is parked is due.
		later: named.Replace(`
SELECT count(*), count(claimed_at), count(parked), min(parked) FROM (
    SELECT claimed_at, {parked} AS parked FROM {table}
    WHERE workflow = ? AND kind = ? AND died_at IS NULL AND run_at > ? ORDER BY run_at LIMIT ?)`),
		// holders groups what later counts as leased.
		holders: named.Replace(`
SELECT holder, count(*), min(claimed_at), max(run_at) FROM (
    SELECT coalesce(holder, '') AS holder, claimed_at, run_at FROM {table}
    WHERE workflow = ? AND kind = ? AND died_at IS NULL AND run_at > ? ORDER BY run_at LIMIT ?)
WHERE claimed_at IS NOT NULL GROUP BY holder ORDER BY holder`),
		blocked: named.Replace(`
SELECT count(*), min(blocked_since), (
    SELECT last_error FROM {table} WHERE workflow = ?1 AND kind = ?2 AND blocked_since IS NOT NULL AND died_at IS NULL
    ORDER BY blocked_since LIMIT 1)
FROM (
    SELECT blocked_since FROM {table} WHERE workflow = ?1 AND kind = ?2 AND blocked_since IS NOT NULL AND died_at IS NULL
    ORDER BY blocked_since LIMIT ?3)`),
		// nextDead finds the kind that comes next in the index of the dead, one after the other.
		nextDead: named.Replace(`
SELECT workflow, kind FROM {table}
WHERE died_at IS NOT NULL AND told_at IS NULL AND (workflow, kind) > (?, ?)
ORDER BY workflow, kind LIMIT 1`),
		dead: named.Replace(`
SELECT count(*) FROM (
    SELECT 1 FROM {table} WHERE workflow = ? AND kind = ? AND died_at IS NOT NULL AND told_at IS NULL LIMIT ?)`),
		waiting: named.Replace(`
SELECT version, {item}, token, kind, due_at, coalesce({parked}, run_at) AS due, attempts, last_error, claimed_at, died_at, commit_id, holder, told_at, blocked_since
FROM {table}
WHERE instance = ? AND workflow = ? ORDER BY due, version, {item} LIMIT ?`),
	}
}
