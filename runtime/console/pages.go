package console

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// start shows what needs an operator, and what runs.
func (c *console) start(v *view) error {
	health, err := c.health(v.ctx)
	incomplete := ""
	if err := v.partly(err); err != nil {
		incomplete = v.explained(err).text
	}
	health = v.healthWith(health)
	programs, err := c.admin.Programs(v.ctx)
	if err := v.partly(err); err != nil && incomplete == "" {
		incomplete = v.explained(err).text
	}
	const runningShown = 20
	running := slices.DeleteFunc(programs, func(p admin.Program) bool { return !p.Running })
	status := http.StatusOK
	if incomplete != "" {
		status = http.StatusServiceUnavailable
	}
	return v.render(status, "start", "Overview", map[string]any{
		"Health": health, "Problems": health.Problems(), "Incomplete": incomplete, "Limit": int64(admin.BacklogLimit), "Plots": c.feed.plots(v.now),
		"Programs": running[:min(len(running), runningShown)], "MorePrograms": max(0, len(running)-runningShown),
		"Kinds": slices.Concat(health.Effects.Kinds, health.Timers.Kinds),
	})
}

// instances lists instances, or finds them by what the address names. An instance that is named exactly is shown at once.
func (c *console) instances(v *view) error {
	q := v.query
	content := map[string]any{
		"Workflow": q.Get("workflow"), "Status": q.Get("status"), "Activity": q.Get("activity"), "ID": q.Get("id"), "Field": q.Get("field"),
		"Value": q.Get("value"), "Key": q.Get("key"), "Cursor": q.Get("cursor"),
	}
	var err error
	if content["Names"], err = c.workflowNames(v); err != nil {
		return err
	}
	find := admin.FindQuery{Workflow: q.Get("workflow"), Field: q.Get("field"), UniqueKey: q.Get("key"), IDPrefix: q.Get("id"), Limit: 50, Cursor: q.Get("cursor")}
	if find.Field != "" {
		find.Value = q.Get("value")
	}
	var page admin.Page[store.InstanceSummary]
	if find.Field+find.UniqueKey+find.IDPrefix != "" {
		content["Found"] = true
		page, err = c.admin.Find(v.ctx, find)
		if other, is := meant(find); is && err == nil && len(page.Items) == 0 {
			find = other
			page, err = c.admin.Find(v.ctx, find)
		}
		if named := named(page.Items, find.IDPrefix); err == nil && len(named) == 1 && find.Cursor == "" {
			v.lead(link("instance", "workflow", named[0].Key.Workflow, "id", named[0].Key.ID))
			return nil
		}
	} else {
		query := admin.InstanceQuery{Limit: find.Limit, Cursor: find.Cursor}
		query.Workflow, query.Status = q.Get("workflow"), q.Get("status")
		switch q.Get("activity") {
		case "active":
			query.Activity = store.OnlyActive
		case "completed":
			query.Activity = store.OnlyCompleted
		}
		page, err = c.admin.Instances(v.ctx, query)
	}
	if err := v.partly(err); err != nil {
		return err
	}
	content["Page"] = page
	return v.render(http.StatusOK, "instances", "Instances", content)
}

// meant is what a query for an id that finds nothing may have meant: an id without the spaces around it, or an instance as pages write it.
func meant(q admin.FindQuery) (admin.FindQuery, bool) {
	given := q
	q.IDPrefix = strings.TrimSpace(q.IDPrefix)
	if workflow, id, has := strings.Cut(q.IDPrefix, "/"); has && workflow != "" && id != "" && (q.Workflow == "" || q.Workflow == workflow) {
		q.Workflow, q.IDPrefix = workflow, id
	}
	return q, q != given && q.IDPrefix != ""
}

// named returns the instances with an id, of those whose ids begin with it.
func named(found []store.InstanceSummary, id string) []store.InstanceSummary {
	return slices.DeleteFunc(slices.Clone(found), func(i store.InstanceSummary) bool { return i.Key.ID != id })
}

// workflowNames are the workflows that programs have described, sorted.
func (c *console) workflowNames(v *view) ([]string, error) {
	programs, err := c.admin.Programs(v.ctx)
	if err := v.partly(err); err != nil {
		return nil, err
	}
	var names []string
	for _, p := range programs {
		for _, w := range p.Manifest.Workflows {
			names = append(names, w.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// why explains a decision.
func (c *console) why(v *view) error {
	key := v.key()
	why, err := c.admin.Why(v.ctx, key, v.number("version", 1))
	if err != nil {
		return err
	}
	v.hideErrorsOf(why.Deliveries)
	return v.render(http.StatusOK, "why", "Why "+key.String(), map[string]any{"Why": why, "Key": key})
}

// dead lists dead letters, and groups them by kind and error.
func (c *console) dead(v *view) error {
	q := v.query
	if err := v.mayFilter(q); err != nil {
		return err
	}
	filter := deadFilter(q.Get)
	groups, counted, err := v.deadGroups(filter)
	if err := v.partly(err); err != nil {
		return err
	}
	page, err := c.admin.DeadLetters(v.ctx, admin.DeadLetterQuery{DeadLetterFilter: filter, Limit: 50, Cursor: q.Get("cursor")})
	if err := v.partly(err); err != nil {
		return err
	}
	payloads := make([]string, len(page.Items))
	for i := range page.Items {
		d := &page.Items[i]
		payloads[i] = v.payload(d.Kind.Workflow, d.Kind.Name, d.Payload)
		d.Error = v.errorOf(d.Lease.Queue, d.Kind, d.Error)
	}
	return v.render(http.StatusOK, "dead", "Dead letters", map[string]any{
		"Filter": filter, "Groups": groups[:min(len(groups), groupsShown)], "MoreGroups": max(0, len(groups)-groupsShown), "Ungrouped": !counted,
		"Within": c.config.Timeout / groupedFor, "Page": page, "Payloads": payloads,
	})
}

const (
	groupedFor    = 2   // the part of Config.Timeout that grouping dead letters may take, and counting all instances
	groupsShown   = 100 // groups of dead letters on a page
	programsShown = 100 // programs on a page

	differencesShown = 200 // between programs, on a page
)

// deadGroups groups dead letters. If that takes too long, there are no groups, and counted is false.
func (v *view) deadGroups(filter store.DeadLetterFilter) (groups []admin.DeadLetterGroup, counted bool, err error) {
	within, cancel := context.WithTimeout(v.ctx, v.console.config.Timeout/groupedFor)
	defer cancel()
	groups, err = v.console.admin.DeadLetterGroups(within, filter)
	if within.Err() != nil && v.ctx.Err() == nil {
		return nil, false, nil
	}
	for i := range groups {
		if g := &groups[i]; v.access.Payloads {
			g.Error = v.errorOf(g.Queue, g.Kind, g.Error)
		} else {
			g.Error = hiddenGroup(g.ID)
		}
	}
	return groups, true, err
}

// schedules lists the schedules of all workflows.
func (c *console) schedules(v *view) error {
	list, err := c.admin.Schedules(v.ctx, "")
	if err := v.partly(err); err != nil {
		return err
	}
	for i := range list {
		list[i].Waiting = v.waiting([]store.WaitingDelivery{list[i].Waiting})[0]
	}
	return v.render(http.StatusOK, "schedules", "Schedules", map[string]any{"List": list, "Most": int64(admin.MaxMissed)})
}

// audit lists what operators did.
func (c *console) audit(v *view) error {
	q := v.query
	query := admin.AuditQuery{Limit: 50, Cursor: q.Get("cursor")}
	query.Workflow, query.By, query.Operation, query.Target = q.Get("workflow"), q.Get("by"), q.Get("operation"), q.Get("target")
	page, err := c.admin.Audit(v.ctx, query)
	if err := v.partly(err); err != nil {
		return err
	}
	v.hideAudit(page.Items)
	return v.render(http.StatusOK, "audit", "Audit", map[string]any{"Page": page, "Filter": query.AuditFilter})
}

func deadFilter(get func(string) string) store.DeadLetterFilter {
	f := store.DeadLetterFilter{
		Workflow: get("workflow"), Kind: get("kind"), Queue: store.QueueName(get("queue")), Instance: get("id"), ErrorContains: get("error"),
	}
	if until, err := time.Parse(time.RFC3339Nano, get("until")); err == nil {
		f.DiedUntil = until
	}
	return f
}

// firstLook is how long active instances are checked for a page that is opened. It leads to a longer look.
const firstLook = 30 * time.Millisecond

// stuck lists what does not continue by itself.
func (c *console) stuck(v *view) error {
	q := v.query
	content := map[string]any{"For": cmp.Or(q.Get("for"), "1m"), "Workflow": q.Get("workflow"), "Spans": []string{"1h", "1d", "3d", "7d"}}
	since, err := parseSpan(cmp.Or(strings.TrimSpace(q.Get("for")), "1m"), v.now)
	if err != nil {
		content["R"], content["Wrong"] = new(admin.StuckReport), "The time cannot be read. Write it as 90m, 36h, 4d, friday or 2026-11-27."
		return v.render(http.StatusBadRequest, "stuck", "Stuck", content)
	}
	budget := firstLook
	if q.Get("cursor") != "" {
		budget = 0 // the default, which is longer: the reader has asked for more
	}
	report, err := c.admin.Stuck(v.ctx, admin.StuckQuery{Workflow: q.Get("workflow"), For: since, Cursor: q.Get("cursor"), Budget: budget})
	if err := v.partly(err); err != nil {
		return err
	}
	v.hideStuck(report)
	content["R"] = report
	return v.render(http.StatusOK, "stuck", "Stuck", content)
}

// parseSpan is time.ParseDuration that also knows days, dates and weekdays: how long ago the last one began, in UTC.
func parseSpan(text string, now time.Time) (time.Duration, error) {
	now = now.UTC()
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return now.Sub(day), nil
	}
	for ago := range 7 {
		if day := now.AddDate(0, 0, -ago); strings.EqualFold(day.Weekday().String(), text) {
			return now.Sub(time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC)), nil
		}
	}
	if days, is := strings.CutSuffix(text, "d"); is {
		n, err := strconv.Atoi(days)
		if n > 10_000 || n < 0 {
			return 0, strconv.ErrRange
		}
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(text)
}

// projections lists projections, and says how far the feed of each cell is.
func (c *console) projections(v *view) error {
	list, err := c.admin.Projections(v.ctx)
	if err := v.partly(err); err != nil {
		return err
	}
	feeds, err := c.admin.Feeds(v.ctx)
	if err := v.partly(err); err != nil {
		return err
	}
	return v.render(http.StatusOK, "projections", "Projections", map[string]any{
		"List": v.projectionsWith(list), "Feeds": feeds, "Cells": c.admin.Cells(),
	})
}

// programs lists the programs that run or ran.
func (c *console) programs(v *view) error {
	list, err := c.admin.Programs(v.ctx)
	if err := v.partly(err); err != nil {
		return err
	}
	skews, more := someDifferences(admin.Skews(list), differencesShown)
	return v.render(http.StatusOK, "programs", "Programs", map[string]any{
		"List": list[:min(len(list), programsShown)], "More": max(0, len(list)-programsShown), "Skews": skews, "MoreDifferences": more,
	})
}

// someDifferences returns the first differences, and how many more there are.
func someDifferences(skews []admin.Skew, most int) (some []admin.Skew, more int) {
	for _, s := range skews {
		n := min(len(s.Differences), most)
		most -= n
		more += len(s.Differences) - n
		if s.Differences = s.Differences[:n]; n > 0 {
			some = append(some, s)
		}
	}
	return some, more
}

// workflows lists the workflows, with their pauses.
func (c *console) workflows(v *view) error {
	names, err := c.workflowNames(v)
	if err != nil {
		return err
	}
	paused, err := c.admin.PausedWorkflows(v.ctx)
	if err := v.partly(err); err != nil {
		return err
	}
	byName := make(map[string]store.Pause)
	for _, p := range paused {
		byName[p.Workflow] = p
	}
	return v.render(http.StatusOK, "workflows", "Workflows", map[string]any{"Names": names, "Paused": byName})
}

// workflow shows one workflow: its machine, what it takes, and how many instances are in each state.
func (c *console) workflow(v *view) error {
	name := v.query.Get("name")
	described, err := c.admin.Workflow(v.ctx, name)
	if err != nil {
		return err
	}
	if described == nil {
		return &failure{http.StatusNotFound, "No program has described this workflow."}
	}
	paused, err := c.pauseOf(v.ctx, name)
	if err := v.partly(err); err != nil {
		return err
	}
	counted := c.counts.of(v.ctx, c.admin, name)
	var diagram template.HTML
	if described.Machine != nil {
		diagram = drawn(described.Machine, countMarks(described.Machine, counted))
	}
	content := map[string]any{"W": described, "Diagram": diagram, "Counted": counted, "Most": countedMost, "Paused": paused}
	if v.query.Get("count") != "" {
		within, cancel := context.WithTimeout(v.ctx, c.config.Timeout/groupedFor)
		defer cancel()
		content["Counts"], err = c.admin.CountInstances(within, store.InstanceFilter{Workflow: name})
		switch {
		case within.Err() != nil && v.ctx.Err() == nil:
			content["Uncounted"] = c.config.Timeout / groupedFor
		case v.partly(err) != nil:
			return err
		}
	}
	return v.render(http.StatusOK, "workflow", "Workflow "+name, content)
}

// countMarks writes into each state how many instances are in it, and leads to their list.
func countMarks(m *workflow.Machine, counted counted) workflow.Marks {
	marks := workflow.Marks{Notes: make(map[string]string), Links: make(map[string]string)}
	number := make(map[string]int64)
	for _, c := range counted.Counts {
		number[c.Status] += c.Count
	}
	for _, s := range m.States {
		activity, more := "active", counted.MoreActive
		if s.Terminal {
			activity, more = "completed", counted.MoreCompleted
		}
		marks.Links[s.Name] = link("instances", "workflow", m.Workflow, "status", s.Name, "activity", activity)
		switch n := number[s.Name]; {
		case counted.Failed:
		case more:
			marks.Notes[s.Name] = fmt.Sprintf("%d of the newest %d", n, countedMost)
		case n == 1:
			marks.Notes[s.Name] = "1 instance"
		default:
			marks.Notes[s.Name] = fmt.Sprintf("%d instances", n)
		}
	}
	return marks
}
