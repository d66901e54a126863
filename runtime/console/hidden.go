package console

import (
	"cmp"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// An error of a handler, a codec or a projection may have a part of a payload in it. Those who may not see payloads see in its place to which group
// of dead letters it belongs, or would belong.

const hidden = "hidden"

// errorOf is what somebody with this access may see of an error of a delivery, which the page has named.
func (v *view) errorOf(queue store.QueueName, kind store.Kind, text string) string {
	if v.access.Payloads || text == "" {
		return strings.TrimPrefix(text, queue.Singular()+" "+kind.Name+": ")
	}
	return hiddenGroup(admin.GroupOf(store.DeadLetter{Lease: store.Lease{Queue: queue}, Kind: kind, Error: text}))
}

func hiddenGroup(id string) string { return hidden + " (group " + id + ")" }

// errorText is errorOf for an error of something else, such as a projection.
func (v *view) errorText(text string) string {
	if v.access.Payloads || text == "" {
		return text
	}
	return hidden
}

// errorWithin changes a text that ends with an error.
func errorWithin(text, err, shown string) string {
	if before, ends := strings.CutSuffix(text, err); ends {
		return before + shown
	}
	return text
}

// mayFilter refuses to select dead letters by a part of the error for those who may not see errors: they could find out what it is.
func (v *view) mayFilter(parameters url.Values) error {
	if parameters.Get("error") != "" && !v.access.Payloads {
		return &failure{http.StatusForbidden, "You may not see errors, and so you cannot select by them. Select a group."}
	}
	return nil
}

// waiting returns deliveries with the errors that may be seen.
func (v *view) waiting(all []store.WaitingDelivery) []store.WaitingDelivery {
	all = slices.Clone(all)
	for i := range all {
		all[i].LastError = v.errorOf(all[i].Lease.Queue, all[i].Kind, all[i].LastError)
	}
	return all
}

// hideErrors changes the errors of decisions to those that may be seen.
func (v *view) hideErrors(decisions []telemetry.ExplainedDecision) {
	for i := range decisions {
		v.hideErrorsOf(decisions[i].Deliveries)
	}
}

func (v *view) hideErrorsOf(deliveries []telemetry.ExplainedDelivery) {
	for i := range deliveries {
		d := &deliveries[i]
		if d.Waiting != nil {
			d.Waiting = &v.waiting([]store.WaitingDelivery{*d.Waiting})[0]
		}
		if d.Ended != nil {
			ended := *d.Ended
			ended.Reason = v.errorText(ended.Reason)
			d.Ended = &ended
		}
		if d.Next != nil {
			v.hideErrorsOf(d.Next.Deliveries)
		}
	}
}

// projectionsWith returns projections with the errors that may be seen.
func (v *view) projectionsWith(all []store.ProjectionInfo) []store.ProjectionInfo {
	all = slices.Clone(all)
	for i := range all {
		all[i].LastError = v.errorText(all[i].LastError)
	}
	return all
}

// healthWith returns health, which all readers share, with the errors that may be seen.
func (v *view) healthWith(h telemetry.Health) telemetry.Health {
	h.Projections = v.projectionsWith(h.Projections)
	for _, q := range []struct {
		name  store.QueueName
		kinds *[]telemetry.KindHealth
	}{{store.EffectQueue, &h.Effects.Kinds}, {store.TimerQueue, &h.Timers.Kinds}} {
		*q.kinds = slices.Clone(*q.kinds)
		for i := range *q.kinds {
			k := &(*q.kinds)[i]
			k.BlockedError = v.errorOf(q.name, k.Kind, k.BlockedError)
		}
	}
	return h
}

// hideStuck changes the errors of a report to those that may be seen. Its reasons end with them.
func (v *view) hideStuck(r *admin.StuckReport) {
	for i := range r.Kinds {
		k := &r.Kinds[i]
		ends := cmp.Or(k.DeadError, k.BlockedError)
		k.Reason = errorWithin(k.Reason, ends, v.errorOf(k.Queue, k.Kind, ends))
	}
	for i := range r.Projections {
		p := &r.Projections[i]
		p.Reason = errorWithin(p.Reason, p.LastError, v.errorText(p.LastError))
	}
	for i := range r.Instances {
		if dead := r.Instances[i].Dead; len(dead) > 0 {
			r.Instances[i].Reason = errorWithin(r.Instances[i].Reason, dead[0].LastError, v.waiting(dead[:1])[0].LastError)
		}
	}
}

// errorFilter is the part of an error by which dead letters were selected, as the audit log has it.
var errorFilter = regexp.MustCompile(`error "(?:[^"\\]|\\.)*"`)

// hideAudit changes what records say of errors to what may be seen.
func (v *view) hideAudit(records []store.AuditRecord) {
	for i := range records {
		if r := &records[i]; !v.access.Payloads && (r.Operation == store.OpRetry || r.Operation == store.OpDiscard) {
			r.Target = errorFilter.ReplaceAllString(r.Target, "error "+hidden)
		}
	}
}
