package postgres

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// claimLimited is the function of migrations/001_initial.up.sql.
const claimLimited = `
SELECT instance, version, position, token, commit_id, payload, due_at, attempts, last_error, trace, due, blocked_since, again, reached
FROM ironflow.claim_limited($1::text, $2::text, $3::timestamptz, $4::timestamptz, $5::bigint,
                            $6::bigint, $7::timestamptz, $8::timestamptz, $9::float8, $10::bigint, $11::timestamptz, $12::text)`

// unparkKinds makes the parked effects of the kinds ($1, $2) due.
const unparkKinds = `
UPDATE ironflow.effects e SET run_at = e.parked_from, parked_from = NULL
FROM unnest($1::text[], $2::text[]) AS k (workflow, kind)
WHERE e.workflow = k.workflow AND e.kind = k.kind AND e.parked_from IS NOT NULL`

// ClaimLimited implements store.Limits.
func (s *Store) ClaimLimited(ctx context.Context, claim store.LimitedClaim) (claimed store.LimitedClaimed, err error) {
	if claim.Limit <= 0 {
		return claimed, nil
	}
	scan := func(row pgx.CollectableRow) (d store.Delivery, err error) {
		d = store.Delivery{Kind: claim.Kind, Lease: store.Lease{Queue: store.EffectQueue}}
		d.Lease.Instance.Workflow = claim.Kind.Workflow
		var id, lastError, trace *string
		var requested, due, blocked, again, reached *time.Time
		err = row.Scan(&id, &d.Lease.Version, &d.Lease.Position, &d.Lease.Token, &d.Lease.Commit, &d.Payload, &requested, &d.Attempt,
			&lastError, &trace, &due, &blocked, &again, &reached)
		switch {
		case err != nil:
		case id == nil: // the last row
			claimed.Again, claimed.Reached = orZero(again), orZero(reached)
		default:
			d.Lease.Instance.ID, d.Due, d.LastError, d.Trace = *id, requested.UTC(), *lastError, *trace
			d.RunAt, d.BlockedSince = due.UTC(), orZero(blocked)
		}
		return d, err
	}
	var full, skew *time.Time
	var secondsPerToken *float64
	if claim.Rate > 0 {
		b := claim.Bucket()
		full, skew, secondsPerToken = &b.Full, &b.Skew, new(b.Token.Seconds())
	}
	rows, err := readRows(ctx, s.pool, scan, s.queries.claimLimited, claim.Kind.Workflow, claim.Kind.Name, claim.Now, claim.Until,
		int64(claim.Limit), int64(claim.Global), full, skew, secondsPerToken, int64(claim.PerKey), claim.From, usererr.Bound(claim.Holder))
	if err != nil {
		return store.LimitedClaimed{}, wrap(err, "claim %s of workflow %s", claim.Kind.Name, claim.Kind.Workflow)
	}
	claimed.Deliveries = slices.DeleteFunc(rows, func(d store.Delivery) bool { return d.Lease.Instance.ID == "" })
	slices.SortStableFunc(claimed.Deliveries, func(a, b store.Delivery) int {
		return cmp.Or(a.RunAt.Compare(b.RunAt), compareLeases(a.Lease, b.Lease))
	})
	return claimed, nil
}

// Unpark implements store.Limits.
func (s *Store) Unpark(ctx context.Context, kinds []store.Kind) error {
	c := newKindColumns(store.Claim{Kinds: kinds})
	if _, err := readRows(ctx, s.pool, pgx.RowTo[int], s.queries.unparkKinds, c.workflows, c.names); err != nil {
		return wrap(err, "unpark effects")
	}
	return nil
}
