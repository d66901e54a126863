package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime"
)

// claimLimited is the function of migrations/007_limits.up.sql. The commit that made an effect never changes, so that it can be read
// beside the claim.
const claimLimited = `
SELECT c.workflow_id, c.version, c.position, c.token, c.payload, c.created_at, c.attempts, c.last_error, c.trace, c.again,
       coalesce((SELECT e.commit_id FROM ironflow.effects e
                 WHERE e.workflow_id = c.workflow_id AND e.workflow_type = $1::text AND e.version = c.version AND e.position = c.position), 0)
FROM ironflow.claim_limited($1::text, $2::text, $3::timestamptz, $4::timestamptz, $5::bigint,
                            $6::bigint, $7::float8, $8::bigint, $9::bigint) c`

// ClaimLimited implements runtime.LimitedQueue.
func (s *Store) ClaimLimited(ctx context.Context, claim runtime.LimitedClaim) (deliveries []runtime.Delivery, again time.Time, err error) {
	if claim.Limit <= 0 {
		return nil, time.Time{}, nil
	}
	err = transact(ctx, s.pool, func(batch *pgx.Batch) {
		deliveries, again = nil, time.Time{}
		batch.Queue(s.queries.claimLimited, claim.Kind.Workflow, claim.Kind.Name, claim.Now, claim.Until, int64(claim.Limit),
			int64(claim.Global), claim.Rate, int64(claim.Burst), int64(claim.PerKey)).Query(func(rows pgx.Rows) error {
			for rows.Next() {
				d := runtime.Delivery{Kind: claim.Kind, Lease: runtime.Lease{Queue: runtime.EffectQueue}}
				d.Lease.Instance.Workflow = claim.Kind.Workflow
				var id, lastError, trace *string
				var due, later *time.Time
				err := rows.Scan(&id, &d.Lease.Version, &d.Lease.Position, &d.Lease.Token, &d.Payload, &due, &d.Attempt,
					&lastError, &trace, &later, &d.Lease.Commit)
				if err != nil {
					return err
				}
				if id == nil {
					again = later.UTC()
					continue
				}
				d.Lease.Instance.ID, d.Due, d.LastError, d.Trace = *id, due.UTC(), *lastError, *trace
				deliveries = append(deliveries, d)
			}
			return rows.Err()
		})
	})
	if err != nil {
		return nil, time.Time{}, wrap(err, "claim %s of workflow %s", claim.Kind.Name, claim.Kind.Workflow)
	}
	return deliveries, again, nil
}
