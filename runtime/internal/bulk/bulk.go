package bulk

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// pageSize is how many instances are stored as the next ones. A process that dies has sent the input to some of them.
const pageSize = 500

// Run says what is to be done.
type Run struct {
	ID          string
	By, Reason  string
	Filter      store.InstanceFilter
	Input       string // its name
	Digest      string // of the input
	Rate        float64
	Concurrency int

	Store interface {
		store.AuditLog
		ListInstances(ctx context.Context, list store.InstanceList) ([]store.InstanceSummary, error)
	}
	Clock store.Clock

	// Send sends the input to an instance, under the input id. A fatal error ends the run; any other one is counted. Plan asks what Send
	// would lead to.
	Send  func(ctx context.Context, id, inputID string) (Answer, error)
	Plan  func(ctx context.Context, key store.InstanceSummary) (Answer, error)
	Fatal func(error) bool

	Progressed func(Report) // may be nil
}

// Answer is what the input leads to in an instance, in names.
type Answer struct {
	Status    string   `json:"status,omitempty"`  // of the instance before; only of a plan
	Outcome   string   `json:"outcome,omitempty"` // accepted, rejected, completed, missing, or failed
	Events    []string `json:"events,omitempty"`
	Effects   []string `json:"effects,omitempty"` // only of a plan
	Rejection string   `json:"rejection,omitempty"`
	Error     string   `json:"error,omitempty"`
}

func (a *Answer) key() string {
	return fmt.Sprintf("%q", []any{a.Status, a.Outcome, a.Events, a.Effects, a.Rejection, a.Error})
}

// Group is how many instances gave one answer.
type Group struct {
	Answer
	Count   int64  `json:"count"`
	Example string `json:"example"` // id of the first of them
}

// Report says what a run has done, or would do.
type Report struct {
	Groups []Group `json:"groups,omitempty"`
	Sent   int64   `json:"sent"` // instances
	Ended  bool    `json:"-"`
}

// maxGroups bounds the groups of a report; what comes later is counted as "other".
const maxGroups = 200

func (r *Report) add(id string, a Answer) {
	r.Sent++
	for i := range r.Groups {
		if r.Groups[i].key() == a.key() {
			r.Groups[i].Count++
			return
		}
	}
	if len(r.Groups) == maxGroups {
		a = Answer{Outcome: a.Outcome, Error: "other"}
		for i := range r.Groups {
			if r.Groups[i].key() == a.key() {
				r.Groups[i].Count++
				return
			}
		}
	}
	r.Groups = append(r.Groups, Group{Answer: a, Count: 1, Example: id})
}

// Count returns how many instances had an outcome.
func (r *Report) Count(outcome string) (n int64) {
	for _, g := range r.Groups {
		if g.Outcome == outcome {
			n += g.Count
		}
	}
	return n
}

func (r *Report) clone() Report {
	c := *r
	c.Groups = slices.Clone(r.Groups)
	return c
}

// progress is what is stored of a run. The instances of Page are the next ones; Report does not count them yet.
type progress struct {
	Digest string               `json:"digest"`
	After  *store.InstancePlace `json:"after,omitempty"` // the end of Page
	Page   []string             `json:"page,omitempty"`
	Report
}

// Mismatch says that a run with the ID was begun for something else.
type Mismatch struct{ ID string }

func (e *Mismatch) Error() string {
	return fmt.Sprintf("ironflow: the ID %q belongs to another action, or to a bulk run with another filter or input; choose another ID", e.ID)
}

// TakenOver says that another process goes on with the run.
type TakenOver struct{ ID string }

func (e *TakenOver) Error() string {
	return fmt.Sprintf("ironflow: another process goes on with the bulk run %q", e.ID)
}

// digest names what is sent, and to which instances.
func (r *Run) digest() string {
	filter, _ := json.Marshal(r.Filter) // texts and times
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s", filter, r.Input, r.Digest))
	return hex.EncodeToString(sum[:16])
}

// InputID returns the id under which a run sends its input.
func InputID(run string) string { return "bulk/" + run }

// Do sends the input to all instances that the filter accepts, or goes on with a run that ended early. It returns the report of a run that has
// ended.
func (r *Run) Do(ctx context.Context) (Report, error) {
	record, p, err := r.begin(ctx)
	if err != nil || !record.EndedAt.IsZero() {
		p.Ended = err == nil
		return p.Report, err
	}
	pace := pacer{clock: r.Clock, rate: r.Rate}
	for {
		if err := r.page(ctx, &p, &pace); err != nil {
			return p.Report, err
		}
		if r.Progressed != nil {
			r.Progressed(p.clone())
		}
		if err := r.next(ctx, &p); err != nil {
			return p.Report, err
		}
		if len(p.Page) == 0 {
			record.EndedAt = store.StoredTime(r.Clock.Now())
		}
		if err := r.put(ctx, &record, &p); err != nil {
			return p.Report, err
		}
		if len(p.Page) == 0 {
			p.Ended = true
			return p.Report, nil
		}
	}
}

// begin stores that this process does the run from now on, and returns how far it is.
func (r *Run) begin(ctx context.Context) (record store.AuditRecord, p progress, err error) {
	found, err := r.Store.AuditRecords(ctx, store.AuditList{AuditFilter: store.AuditFilter{ID: r.ID}, Limit: 1})
	if err != nil {
		return record, p, err
	}
	if len(found) == 0 {
		p.Digest = r.digest()
		record = store.AuditRecord{
			ID: r.ID, At: store.StoredTime(r.Clock.Now()), By: r.By, Reason: r.Reason, Operation: store.OpBulk, Workflow: r.Filter.Workflow,
			Input: r.Input, Target: describe(r.Filter),
		}
	} else {
		record = found[0]
		if record.Operation != store.OpBulk {
			return record, p, &Mismatch{r.ID}
		}
		if err := json.Unmarshal(record.Progress, &p); err != nil {
			return record, p, fmt.Errorf("ironflow: the progress of the bulk run %q cannot be read: %w", r.ID, err)
		}
		if p.Digest != r.digest() {
			return record, p, &Mismatch{r.ID}
		}
		if !record.EndedAt.IsZero() {
			return record, p, nil
		}
	}
	return record, p, r.put(ctx, &record, &p)
}

// put stores how far the run is. It fails with *TakenOver if another process did so meanwhile.
func (r *Run) put(ctx context.Context, record *store.AuditRecord, p *progress) (err error) {
	if record.Progress, err = json.Marshal(p); err != nil {
		return err
	}
	record.Revision++
	record.Count = p.Count("accepted")
	err = r.Store.RecordAudit(ctx, *record)
	if errors.Is(err, store.ErrConflict) {
		err = &TakenOver{r.ID}
	}
	return err
}

// next finds the next page.
func (r *Run) next(ctx context.Context, p *progress) error {
	list := store.InstanceList{InstanceFilter: r.Filter.Narrowed(), After: p.After, Limit: pageSize}
	found, err := r.Store.ListInstances(ctx, list)
	if err != nil {
		return err
	}
	p.Page = nil
	for i := range found {
		p.Page = append(p.Page, found[i].Key.ID)
		p.After = &store.InstancePlace{CreatedAt: found[i].CreatedAt, ID: found[i].Key.ID, Workflow: found[i].Key.Workflow}
	}
	return nil
}

// page sends the input to the instances of the page. It counts them together, when all have answered.
func (r *Run) page(ctx context.Context, p *progress, pace *pacer) error {
	answers, err := r.each(ctx, len(p.Page), pace, func(ctx context.Context, i int) (Answer, error) {
		return r.Send(ctx, p.Page[i], InputID(r.ID))
	})
	if err != nil {
		return err
	}
	for i, a := range answers {
		p.add(p.Page[i], a)
	}
	return nil
}

// each asks for n answers, a number of them at a time. It ends with the first fatal error.
func (r *Run) each(ctx context.Context, n int, pace *pacer, ask func(ctx context.Context, i int) (Answer, error)) ([]Answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	answers := make([]Answer, n)
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(r.Concurrency, n) {
		workers.Go(func() {
			for i := range next {
				a, err := ask(ctx, i)
				switch {
				case err != nil && (ctx.Err() != nil || r.Fatal(err)):
					cancel(err)
				case err != nil:
					a = Answer{Status: a.Status, Outcome: "failed", Error: store.Fingerprint(err.Error())}
				}
				answers[i] = a
			}
		})
	}
	for i := range n {
		if !pace.wait(ctx) {
			break
		}
		select {
		case next <- i:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
	}
	close(next)
	workers.Wait()
	return answers, context.Cause(ctx)
}

// Dry asks what the input would lead to, in up to limit instances; 0 means all.
func (r *Run) Dry(ctx context.Context, limit int) (Report, error) {
	var p progress
	pace := pacer{clock: r.Clock}
	for {
		list := store.InstanceList{InstanceFilter: r.Filter.Narrowed(), After: p.After, Limit: pageSize}
		if limit > 0 {
			list.Limit = min(list.Limit, limit-int(p.Sent))
		}
		if list.Limit == 0 {
			return p.Report, nil
		}
		found, err := r.Store.ListInstances(ctx, list)
		if err != nil {
			return p.Report, err
		}
		answers, err := r.each(ctx, len(found), &pace, func(ctx context.Context, i int) (Answer, error) { return r.Plan(ctx, found[i]) })
		if err != nil {
			return p.Report, err
		}
		for i, a := range answers {
			p.add(found[i].Key.ID, a)
			p.After = &store.InstancePlace{CreatedAt: found[i].CreatedAt, ID: found[i].Key.ID, Workflow: found[i].Key.Workflow}
		}
		if len(found) < list.Limit {
			p.Ended = true
			return p.Report, nil
		}
	}
}

// describe says in words which instances a filter selects.
func describe(f store.InstanceFilter) string {
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+" "+value)
		}
	}
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339Nano)
	}
	add("status", f.Status)
	add("activity", string(f.Activity))
	add("created since", at(f.CreatedFrom))
	add("created before", at(f.CreatedBefore))
	add("updated since", at(f.UpdatedFrom))
	add("updated before", at(f.UpdatedBefore))
	return cmp.Or(strings.Join(parts, ", "), "all")
}

// longestPause is longer than anybody waits; a duration has no room for the pauses of the lowest rates.
const longestPause = 1000 * time.Hour

// pacer spaces what is sent. A rate of 0 has no pauses.
type pacer struct {
	clock store.Clock
	rate  float64 // a second
	next  time.Time
}

// wait waits for the time of the next one. It returns false when ctx has ended.
func (p *pacer) wait(ctx context.Context) bool {
	if p.rate <= 0 {
		return ctx.Err() == nil
	}
	now := p.clock.Now()
	if p.next.Before(now) {
		p.next = now
	}
	pause := p.next.Sub(now)
	p.next = p.next.Add(time.Duration(min(float64(time.Second)/p.rate, float64(longestPause))))
	return bound.Sleep(ctx, p.clock, pause)
}
