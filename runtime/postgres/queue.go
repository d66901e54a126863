package postgres

import (
	"cmp"
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// queue implements store.Queue. The outbox and the timers differ in their statements and in what an item is.
type queue struct {
	name    store.QueueName
	pool    *connections
	queries queueQueries
}

func newEffectQueue(pool *connections, queries *queries) *queue {
	return &queue{name: store.EffectQueue, pool: pool, queries: queries.effects}
}

func newTimerQueue(pool *connections, queries *queries) *queue {
	return &queue{name: store.TimerQueue, pool: pool, queries: queries.timers}
}

// Claim implements store.Queue.
func (q *queue) Claim(ctx context.Context, claim store.Claim) ([]store.Delivery, error) {
	if len(claim.Kinds) == 0 || claim.Limit <= 0 {
		return nil, nil
	}
	kinds := newKindColumns(claim)
	deliveries, err := readRowsInOrder(ctx, q.pool, q.scanDelivery, q.queries.claim,
		kinds.workflows, kinds.names, claim.Now, claim.Until, int64(claim.Limit), kinds.bounds, usererr.Bound(claim.Holder))
	if err != nil {
		return nil, wrap(err, "claim %s", q.name)
	}
	return deliveries, nil
}

// LookBack implements store.Queue.
func (q *queue) LookBack(ctx context.Context, before map[store.Kind]time.Time) (map[store.Kind]time.Time, error) {
	kinds := newKindColumns(store.Claim{Kinds: slices.Collect(maps.Keys(before)), From: before})
	found := make(map[store.Kind]time.Time)
	scan := func(row pgx.CollectableRow) (struct{}, error) {
		var number int
		var oldest time.Time
		err := row.Scan(&number, &oldest)
		if err == nil {
			found[store.Kind{Workflow: kinds.workflows[number-1], Name: kinds.names[number-1]}] = oldest.UTC()
		}
		return struct{}{}, err
	}
	if _, err := readRowsInOrder(ctx, q.pool, scan, q.queries.look, kinds.workflows, kinds.names, kinds.bounds); err != nil {
		return nil, wrap(err, "look back at %s", q.name)
	}
	return found, nil
}

// RetryBlocked implements store.Queue.
func (q *queue) RetryBlocked(ctx context.Context, kinds []store.Kind, now time.Time, limit int) (int, error) {
	if len(kinds) == 0 || limit <= 0 {
		return 0, nil
	}
	columns := newKindColumns(store.Claim{Kinds: kinds})
	counts, err := readRowsInOrder(ctx, q.pool, pgx.RowTo[int], q.queries.retryBlocked, columns.workflows, columns.names, now, int64(limit))
	if err != nil {
		return 0, wrap(err, "retry blocked %s", q.name)
	}
	return counts[0], nil
}

// kindColumns are kinds, each once, with their lower bounds.
type kindColumns struct {
	workflows, names []string
	bounds           []time.Time
}

// newKindColumns puts the kinds of higher priority first: the statement serves them in their order until the limit is reached. A
// new order among equals each time keeps one with a backlog from starving the rest.
func newKindColumns(claim store.Claim) (c kindColumns) {
	kinds := claim.Kinds
	seen := make(map[store.Kind]bool, len(kinds))
	order := rand.Perm(len(kinds))
	if len(claim.Priority) > 0 {
		slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(claim.Priority[kinds[j]], claim.Priority[kinds[i]]) })
	}
	for _, i := range order {
		// Under a kind given twice, the statement would return a delivery twice.
		if kind := kinds[i]; !seen[kind] {
			seen[kind] = true
			c.workflows, c.names = append(c.workflows, kind.Workflow), append(c.names, kind.Name)
			c.bounds = append(c.bounds, claim.From[kind])
		}
	}
	return c
}

func (q *queue) scanDelivery(row pgx.CollectableRow) (store.Delivery, error) {
	d := store.Delivery{Lease: store.Lease{Queue: q.name}}
	var item string
	var blocked *time.Time
	err := row.Scan(&d.Lease.Instance.ID, &d.Lease.Instance.Workflow, &d.Lease.Version, &item, &d.Lease.Token, &d.Lease.Commit,
		&d.Kind.Name, &d.Payload, &d.Due, &d.Attempt, &d.LastError, &d.Trace, &blocked, &d.RunAt)
	if err != nil {
		return d, err
	}
	d.Kind.Workflow = d.Lease.Instance.Workflow
	d.Due, d.RunAt, d.BlockedSince = d.Due.UTC(), d.RunAt.UTC(), orZero(blocked)
	return d, setLeaseItem(&d.Lease, item)
}

// Extend implements store.Queue.
func (q *queue) Extend(ctx context.Context, leases []store.Lease, until time.Time) ([]store.Lease, error) {
	if len(leases) == 0 {
		return nil, nil
	}
	leases = sortedLeases(leases)
	var held marks
	err := transact(ctx, q.pool, func(batch *pgx.Batch) {
		batch.Queue(lookUp)
		held = queueMarking(batch, len(leases), q.queries.extend, append(leaseColumns(leases), until)...)
	})
	if err != nil {
		return nil, wrap(err, "extend %d leases on %s", len(leases), q.name)
	}
	return unmarked(leases, held), nil
}

// Realign implements store.Queue. It is left to the planner, which reads the whole table.
func (q *queue) Realign(ctx context.Context, now, claimedAfter time.Time) (int64, error) {
	counts, err := queryRows(ctx, q.pool, pgx.RowTo[int64], q.queries.realign, now, claimedAfter)
	if err != nil {
		return 0, wrap(err, "realign leases of %s", q.name)
	}
	return counts[0], nil
}

// Settle implements store.Queue.
func (q *queue) Settle(ctx context.Context, settlements []store.Settlement) ([]store.Lease, error) {
	if len(settlements) == 0 {
		return nil, nil
	}
	var removed []store.Lease
	var refused settlementColumns
	var kept []store.Settlement
	settlements = slices.Clone(settlements)
	slices.SortFunc(settlements, func(a, b store.Settlement) int { return compareLeases(a.Lease, b.Lease) })
	for _, settlement := range settlements {
		if settlement.Verdict == store.Done && settlement.Error != "" {
			refused.add(settlement)
			continue
		}
		if settlement.Verdict == store.Done {
			removed = append(removed, settlement.Lease)
			continue
		}
		kept = append(kept, settlement)
	}
	keeping := newSettlementColumns(kept)
	var removedHeld, refusedHeld, keptHeld marks
	err := transact(ctx, q.pool, func(batch *pgx.Batch) {
		batch.Queue(lookUp)
		removedHeld = queueMarking(batch, len(removed), q.queries.remove, leaseColumns(removed)...)
		refusedHeld = queueMarking(batch, len(refused.leases), q.queries.refuse,
			append(leaseColumns(refused.leases), refused.times, refused.errors)...)
		keptHeld = queueMarking(batch, len(kept), q.queries.keep, keeping.args()...)
	})
	if err != nil {
		return nil, wrap(err, "settle %d leases on %s", len(settlements), q.name)
	}
	return slices.Concat(unmarked(removed, removedHeld), unmarked(refused.leases, refusedHeld), unmarked(keeping.leases, keptHeld)), nil
}

// verdictNames are the verdicts on deliveries that stay, as the statements know them.
var verdictNames = map[store.Verdict]string{
	store.RetryLater: "retry", store.Dead: "dead", store.Release: "release", store.Again: "again", store.Wait: "wait",
}

// toldVerdict is Dead of a delivery whose instance was told.
const toldVerdict = "told"

// settlementColumns are the parameters $1 to $11 of the statements that settle deliveries which stay.
type settlementColumns struct {
	leases           []store.Lease
	verdicts, errors []string
	times            []time.Time
	attempts         []int32
	blocked          []*time.Time // nil for those that are not
}

func newSettlementColumns(settlements []store.Settlement) settlementColumns {
	n := len(settlements)
	c := settlementColumns{
		make([]store.Lease, 0, n), make([]string, 0, n), make([]string, 0, n), make([]time.Time, 0, n), make([]int32, 0, n),
		make([]*time.Time, 0, n),
	}
	for _, s := range settlements {
		c.add(s)
	}
	return c
}

func (c *settlementColumns) add(s store.Settlement) {
	verdict := verdictNames[s.Verdict]
	if s.Verdict == store.Dead && s.Told {
		verdict = toldVerdict
	}
	var blocked *time.Time
	if !s.BlockedSince.IsZero() {
		blocked = &s.BlockedSince
	}
	c.leases, c.verdicts, c.blocked = append(c.leases, s.Lease), append(c.verdicts, verdict), append(c.blocked, blocked)
	c.errors, c.times = append(c.errors, usererr.Bound(s.Error)), append(c.times, s.At)
	c.attempts = append(c.attempts, int32(s.Attempts))
}

func (c *settlementColumns) args() []any {
	return append(leaseColumns(c.leases), c.verdicts, c.times, c.errors, c.attempts, c.blocked)
}

// compareLeases orders leases as their table's key does, in which all transactions lock deliveries.
func compareLeases(a, b store.Lease) int {
	return cmp.Or(compareKeys(a.Instance, b.Instance), cmp.Compare(a.Version, b.Version),
		cmp.Compare(a.Position, b.Position), cmp.Compare(a.Key, b.Key))
}

func sortedLeases(leases []store.Lease) []store.Lease {
	return slices.SortedFunc(slices.Values(leases), compareLeases)
}

// leaseColumns are the parameters $1 to $6 of the statements that take leases, which are sorted.
func leaseColumns(leases []store.Lease) []any {
	var (
		columns  instanceColumns
		versions = make([]int64, len(leases))
		items    = make([]string, len(leases))
		tokens   = make([]int64, len(leases))
		commits  = make([]int64, len(leases))
	)
	for i, lease := range leases {
		columns.add(lease.Instance)
		versions[i], items[i], tokens[i], commits[i] = lease.Version, leaseItem(lease), lease.Token, int64(lease.Commit)
	}
	return []any{columns.ids, columns.workflows, versions, items, tokens, commits}
}

// leaseItem returns what tells the deliveries of one decision apart, as the statements take it.
func leaseItem(lease store.Lease) string {
	if lease.Queue == store.TimerQueue {
		return lease.Key
	}
	return strconv.Itoa(lease.Position)
}

func setLeaseItem(lease *store.Lease, item string) (err error) {
	if lease.Queue == store.TimerQueue {
		lease.Key = item
		return nil
	}
	lease.Position, err = strconv.Atoi(item)
	return err
}

func unmarked(leases []store.Lease, held marks) []store.Lease {
	var lost []store.Lease
	for i, lease := range leases {
		if !held[i] {
			lost = append(lost, lease)
		}
	}
	return lost
}
