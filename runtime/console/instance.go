package console

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"slices"

	"github.com/ironflow-gen/ironflow/internal/statechart/svg"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

const (
	decisions   = 50  // decisions that a page shows
	eventsShown = 500 // events of them

	deliveriesShown = 50 // effects and timers that are listed of a decision, and of what an instance waits for
)

// entry is a decision on the page of an instance, with those of its events that are shown.
type entry struct {
	telemetry.ExplainedDecision
	More           int // events that are not shown
	MoreDeliveries int // effects and timers that are not shown
}

// entries returns the first decisions whose events fit on a page, at least one, and the version of the last event that it covers.
func entries(timeline []telemetry.ExplainedDecision) (all []entry, last int64) {
	shown := 0
	for _, d := range timeline {
		if shown > 0 && shown+len(d.Events) > eventsShown {
			break
		}
		last = d.Events[len(d.Events)-1].Version
		e := entry{ExplainedDecision: d}
		if e.More = max(0, len(d.Events)-eventsShown); e.More > 0 {
			e.Events = d.Events[:eventsShown]
		}
		if e.MoreDeliveries = max(0, len(d.Deliveries)-deliveriesShown); e.MoreDeliveries > 0 {
			e.Deliveries = d.Deliveries[:deliveriesShown]
		}
		shown += len(e.Events)
		all = append(all, e)
	}
	return all, last
}

// instance shows one instance: where it is, what it waits for, and how it came there.
func (c *console) instance(v *view) error {
	key := v.key()
	report, err := c.admin.Inspect(v.ctx, key)
	if err != nil {
		return err
	}
	report.Effects, report.Timers = v.waiting(report.Effects), v.waiting(report.Timers)
	from := v.number("from", max(1, report.Version-decisions+1))
	timeline, err := c.admin.Timeline(v.ctx, key, max(1, from), decisions)
	if err != nil {
		return err
	}
	v.hideErrors(timeline)
	first := timeline[0].Version
	shown, last := entries(timeline)
	payloads, err := c.payloads(v, key, first, last)
	if err != nil {
		return err
	}
	next := last + 1
	if next > report.Version {
		next = 0
	}
	whole := timeline
	if first > 1 || next > 0 {
		whole = nil
	}
	diagram, err := c.diagram(v, report, whole)
	if err != nil {
		return err
	}
	states, note, err := c.states(v, key, first, last)
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "instance", key.String(), map[string]any{
		"R": report, "Dead": deadKinds(report), "Timeline": shown, "Payloads": payloads, "Diagram": diagram,
		"First": first, "Next": next, "Before": max(1, first-decisions), "Waits": waitsFor(report),
		"States": states, "StatesNote": note, "Forms": v.sendable(report.Forms), "Program": c.config.Engine != nil,
	})
}

// payloads returns what may be seen of the events of a page, by version. The store's page ends early when payloads are large.
func (c *console) payloads(v *view, key store.InstanceKey, first, last int64) (map[int64]string, error) {
	if !v.access.Payloads {
		return nil, nil
	}
	events, err := c.admin.History(v.ctx, key, first-1, int(min(last-first+1, 2*eventsShown)))
	if err != nil {
		return nil, err
	}
	payloads := make(map[int64]string)
	for _, e := range events {
		payloads[e.Version] = v.payload(key.Workflow, e.Type, e.Payload)
	}
	for version := first; version <= min(last, first+2*eventsShown); version++ {
		if _, read := payloads[version]; !read {
			payloads[version] = "not shown: the fields of the events before are too large"
		}
	}
	return payloads, nil
}

// deadKinds returns one dead letter of each kind: a change is about all of a kind of the instance.
func deadKinds(r *admin.InstanceReport) (dead []store.WaitingDelivery) {
	for _, w := range slices.Concat(r.Effects, r.Timers) {
		if !w.DiedAt.IsZero() && !slices.ContainsFunc(dead, func(d store.WaitingDelivery) bool { return d.Kind == w.Kind && d.Lease.Queue == w.Lease.Queue }) {
			dead = append(dead, w)
		}
	}
	return dead
}

// waitsFor says in words what moves an instance next.
func waitsFor(r *admin.InstanceReport) (lines []string) {
	if r.Completed() {
		lines = append(lines, "It has completed: it accepts no input any more.")
	}
	if r.Paused != nil {
		text := "Its workflow is paused"
		if r.Paused.By != "" {
			text += " by " + r.Paused.By
		}
		if r.Paused.Reason != "" {
			text += ": " + r.Paused.Reason
		}
		lines = append(lines, text+".")
	}
	waiting := slices.Concat(r.Effects, r.Timers)
	for _, w := range waiting[:min(len(waiting), deliveriesShown)] {
		d := telemetry.ExplainedDelivery{Lease: w.Lease, Kind: w.Kind.Name, Waiting: &w}
		lines = append(lines, firstUpper(d.Title()+": "+d.Fate(r.At)))
	}
	if more := len(waiting) - deliveriesShown; more > 0 {
		lines = append(lines, fmt.Sprintf("And %d more effects and timers.", more))
	}
	if len(waiting) == 0 && !r.Completed() {
		lines = append(lines, "No effect and no timer of it is waiting: only an input, or a child that ends, moves it.")
	}
	return lines
}

// diagram draws the machine with the way that the instance took. Its decisions are read if they are not given. The diagram is empty for a
// workflow without states, or one that is too large.
func (c *console) diagram(v *view, r *admin.InstanceReport, decisions []telemetry.ExplainedDecision) (template.HTML, error) {
	if r.Machine == nil {
		return "", nil
	}
	if decisions == nil {
		const most = 1000 // decisions whose way is drawn
		var err error
		if decisions, err = c.admin.Timeline(v.ctx, r.Key, 1, most); err != nil {
			return "", err
		}
	}
	var types []string
	for _, d := range decisions {
		for _, e := range d.Events {
			types = append(types, e.Type)
		}
	}
	return drawn(r.Machine, workflow.Marks{Current: r.Status, Events: types}), nil
}

// drawn is a diagram for a page: the page's sheet has its style.
func drawn(m *workflow.Machine, marks workflow.Marks) template.HTML {
	text, err := m.SVG(marks)
	if err != nil {
		return ""
	}
	text = bytes.Replace(text, []byte(svg.StyleElement), nil, 1)
	return template.HTML(bytes.Replace(text, []byte("<svg "), []byte(`<svg class="machine" `), 1)) //nolint:gosec // its texts are escaped
}
