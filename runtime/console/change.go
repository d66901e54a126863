package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// change is something that the console can do to a store.
type change struct {
	title string
	red   bool // there is no way back
	role  Role
	takes []string                 // names of parameters that say what is changed
	page  string                   // where it leads to
	check func(f url.Values) error // refuses what selects too much; nil for a change of one thing
	// preview says what it would do, and how many are concerned.
	preview func(v *view, f url.Values) (lines []string, err error)
	run     func(ctx context.Context, c *console, f url.Values, by, reason string) (n int, err error)
	// already reports that it was made: a form that is sent twice changes nothing more. nil for a change of which nothing is left after it.
	already func(ctx context.Context, c *console, f url.Values) (bool, error)
	done    func(n int64) string
}

var deadTakes = []string{"workflow", "kind", "queue", "id", "error", "group", "until"}

// changes are all changes by name.
var changes map[string]change

func init() { // not in the declaration, because the note of a change looks at changes
	changes = map[string]change{
		"retry": {
			title: "Retry dead letters", role: Operator, takes: deadTakes, page: "dead", check: checkDead,
			preview: previewDead("Each goes back into the queue, and its attempts begin again.",
				"An effect is carried out even if its instance has completed meanwhile. Nothing takes its result then."),
			run: func(ctx context.Context, c *console, f url.Values, _, _ string) (int, error) {
				if group := f.Get("group"); group != "" {
					return c.admin.RetryDeadLetterGroup(ctx, deadFilter(f.Get), group)
				}
				return c.admin.RetryDeadLettersWhere(ctx, deadFilter(f.Get))
			},
			done: func(n int64) string { return lettersWere(n, "put back into the queue") },
		},
		"discard": {
			title: "Discard dead letters", red: true, role: Operator, takes: deadTakes, page: "dead", check: checkDead,
			preview: previewDead("Each is deleted and never carried out. This cannot be undone. A record with your reason stays.",
				"The instance receives no input. If it waits for the result, it goes on waiting."),
			run: func(ctx context.Context, c *console, f url.Values, by, reason string) (int, error) {
				discard := store.Discard{By: by, Reason: reason}
				if group := f.Get("group"); group != "" {
					return c.admin.DiscardDeadLetterGroup(ctx, discard, deadFilter(f.Get), group)
				}
				return c.admin.DiscardDeadLettersWhere(ctx, discard, deadFilter(f.Get))
			},
			done: func(n int64) string { return lettersWere(n, "discarded") },
		},
		"pause": {
			title: "Pause a workflow", role: Operator, takes: []string{"workflow", "refuse"}, page: "workflows",
			preview: func(_ *view, f url.Values) ([]string, error) {
				line := "Clients can still send inputs."
				if f.Get("refuse") != "" {
					line = "Inputs of clients are refused."
				}
				return []string{"No process delivers its effects, timers and schedules until it is resumed.", line}, nil
			},
			already: func(ctx context.Context, c *console, f url.Values) (bool, error) {
				p, err := c.pauseOf(ctx, f.Get("workflow"))
				return p != nil && p.RefuseInputs == (f.Get("refuse") != ""), err
			},
			run: func(ctx context.Context, c *console, f url.Values, by, reason string) (int, error) {
				return once(c.admin.PauseWorkflow(ctx, store.Pause{Workflow: f.Get("workflow"), By: by, Reason: reason, RefuseInputs: f.Get("refuse") != ""}))
			},
			done: func(int64) string { return "The workflow was paused." },
		},
		"resume": {
			title: "Resume a workflow", role: Operator, takes: []string{"workflow", "paused"}, page: "workflows",
			preview: func(v *view, f url.Values) ([]string, error) {
				p, err := v.console.pauseOf(v.ctx, f.Get("workflow"))
				lines := []string{"What became due meanwhile is delivered now."}
				if p != nil {
					lines = append(lines, fmt.Sprintf("It was paused %s by %s, because: %s", shownTime(p.At, v.now), p.By, p.Reason))
					if f.Get("paused") == "" {
						f.Set("paused", machineTime(p.At))
					}
				}
				return lines, err
			},
			already: func(ctx context.Context, c *console, f url.Values) (bool, error) {
				p, err := c.pauseOf(ctx, f.Get("workflow"))
				if p != nil && f.Get("paused") != "" && f.Get("paused") != machineTime(p.At) {
					return false, &failure{http.StatusConflict, "It was paused again after this page was shown. Open the page again to see by whom, and why."}
				}
				return p == nil, err
			},
			run: func(ctx context.Context, c *console, f url.Values, _, _ string) (int, error) {
				return once(c.admin.ResumeWorkflow(ctx, f.Get("workflow")))
			},
			done: func(int64) string { return "The workflow was resumed." },
		},
		"pause-schedule": {
			title: "Pause a schedule", role: Operator, takes: scheduleTakes, page: "schedules",
			preview: says("It does not fire until it is resumed, or a program declares it in another way."),
			run:     onSchedule((*admin.Admin).PauseSchedule),
			already: ofSchedule(func(s *admin.Schedule, _ url.Values) bool { return s.Paused }),
			done:    func(int64) string { return "The schedule was paused." },
		},
		"resume-schedule": {
			title: "Resume a schedule", role: Operator, takes: scheduleTakes, page: "schedules",
			preview: says("What its declaration says of missed firings holds for those of the pause."),
			run:     onSchedule((*admin.Admin).ResumeSchedule),
			already: ofSchedule(func(s *admin.Schedule, _ url.Values) bool { return !s.Paused && s.Waiting.DiedAt.IsZero() }),
			done:    func(int64) string { return "The schedule was resumed." },
		},
		"trigger-schedule": {
			title: "Let a schedule fire now", role: Operator, takes: []string{"workflow", "schedule", "next"}, page: "schedules",
			preview: func(v *view, f url.Values) ([]string, error) {
				s, err := v.console.schedule(v.ctx, f)
				if err == nil && f.Get("next") == "" {
					f.Set("next", machineTime(s.Next))
				}
				return []string{"It fires once now, and goes on with its next regular time. A pause ends."}, err
			},
			run: onSchedule((*admin.Admin).TriggerSchedule),
			already: ofSchedule(func(s *admin.Schedule, f url.Values) bool {
				return f.Get("next") != "" && f.Get("next") != machineTime(s.Next)
			}),
			done: func(int64) string { return "The schedule was made to fire." },
		},
		"pause-projection": {
			title: "Pause a projection", role: Operator, takes: projectionTakes, page: "projections",
			preview: says("It applies no event until it is resumed."),
			already: ofProjection(func(p *store.ProjectionInfo, _ url.Values) bool { return p.Status == store.ProjectionPaused }),
			run:     onProjection((*admin.Admin).PauseProjection),
			done:    func(int64) string { return "The projection was paused." },
		},
		"resume-projection": {
			title: "Resume a projection", role: Operator, takes: projectionTakes, page: "projections",
			preview: says("An event that it stopped at is tried again."),
			already: ofProjection(func(p *store.ProjectionInfo, _ url.Values) bool { return p.Status == store.ProjectionRunning }),
			run:     onProjection((*admin.Admin).ResumeProjection),
			done:    func(int64) string { return "The projection was resumed." },
		},
		"rebuild-projection": {
			title: "Rebuild a projection", role: Admin, takes: append(projectionTakes, "position"), page: "projections",
			preview: func(v *view, f url.Values) ([]string, error) {
				p, err := v.console.projection(v.ctx, f)
				if err == nil && f.Get("position") == "" {
					f.Set("position", fmt.Sprint(p.Position))
				}
				return []string{"It is reset, and applies all events again. Until it has caught up, it shows too little."}, err
			},
			already: ofProjection(func(p *store.ProjectionInfo, f url.Values) bool {
				shown, err := strconv.ParseInt(f.Get("position"), 10, 64)
				return p.Rebuild || err == nil && int64(p.Position) < shown
			}),
			run:  onProjection((*admin.Admin).RebuildProjection),
			done: func(int64) string { return "The projection was set to be rebuilt." },
		},
		"skip-event": {
			title: "Skip an event of a projection", red: true, role: Admin, takes: append(projectionTakes, "event"), page: "projections",
			preview: says("The projection goes on after this event, and never applies it, unless it is rebuilt."),
			run: func(ctx context.Context, c *console, f url.Values, _, _ string) (int, error) {
				event, err := strconv.ParseInt(f.Get("event"), 10, 64)
				if err != nil {
					return 0, &failure{http.StatusBadRequest, "The number of the event cannot be read."}
				}
				return onProjection(func(a *admin.Admin, ctx context.Context, name string) error {
					return a.SkipProjectionEvent(ctx, name, store.FeedPosition(event))
				})(ctx, c, f, "", "")
			},
			done: func(int64) string { return "The event was skipped." },
		},
	}
}

// lettersWere says how many dead letters were changed.
func lettersWere(n int64, changed string) string {
	switch n {
	case 0:
		return "No dead letter was " + changed + "."
	case 1:
		return "1 dead letter was " + changed + "."
	}
	return fmt.Sprintf("%d dead letters were %s.", n, changed)
}

// once is the result of a change of one thing.
func once(err error) (n int, _ error) {
	if err != nil {
		return 0, err
	}
	return 1, nil
}

var scheduleTakes = []string{"workflow", "schedule"}

func onSchedule(do func(*admin.Admin, context.Context, string, string) error) func(context.Context, *console, url.Values, string, string) (int, error) {
	return func(ctx context.Context, c *console, f url.Values, _, _ string) (int, error) {
		return once(do(c.admin, ctx, f.Get("workflow"), f.Get("schedule")))
	}
}

// pauseOf returns the pause of a workflow, or nil.
func (c *console) pauseOf(ctx context.Context, workflow string) (*store.Pause, error) {
	paused, err := c.admin.PausedWorkflows(ctx)
	i := slices.IndexFunc(paused, func(p store.Pause) bool { return p.Workflow == workflow })
	if err != nil || i < 0 {
		return nil, err
	}
	return &paused[i], nil
}

// schedule returns the schedule that a form names.
func (c *console) schedule(ctx context.Context, f url.Values) (*admin.Schedule, error) {
	all, err := c.admin.Schedules(ctx, f.Get("workflow"))
	if err != nil {
		return nil, err
	}
	unknown := &admin.UnknownSchedule{Workflow: f.Get("workflow"), Name: f.Get("schedule")}
	for i := range all {
		if all[i].Name == unknown.Name {
			return &all[i], nil
		}
		unknown.Known = append(unknown.Known, all[i].Name)
	}
	return nil, unknown
}

func ofSchedule(is func(*admin.Schedule, url.Values) bool) func(context.Context, *console, url.Values) (bool, error) {
	return func(ctx context.Context, c *console, f url.Values) (bool, error) {
		s, err := c.schedule(ctx, f)
		return err == nil && is(s, f), err
	}
}

var projectionTakes = []string{"projection", "cell"}

// onProjection makes a change of a projection in its cell.
func onProjection(do func(*admin.Admin, context.Context, string) error) func(context.Context, *console, url.Values, string, string) (int, error) {
	return func(ctx context.Context, c *console, f url.Values, _, _ string) (int, error) {
		in, err := c.admin.Cell(f.Get("cell"))
		if err != nil {
			return 0, err
		}
		return once(do(in, ctx, f.Get("projection")))
	}
}

// projection returns the projection that a form names.
func (c *console) projection(ctx context.Context, f url.Values) (*store.ProjectionInfo, error) {
	in, err := c.admin.Cell(f.Get("cell"))
	if err != nil {
		return nil, err
	}
	all, err := in.Projections(ctx)
	if err != nil {
		return nil, err
	}
	unknown := &store.UnknownProjection{Name: f.Get("projection")}
	for i := range all {
		if all[i].Name == unknown.Name {
			return &all[i], nil
		}
		unknown.Known = append(unknown.Known, all[i].Name)
	}
	return nil, unknown
}

func ofProjection(is func(*store.ProjectionInfo, url.Values) bool) func(context.Context, *console, url.Values) (bool, error) {
	return func(ctx context.Context, c *console, f url.Values) (bool, error) {
		p, err := c.projection(ctx, f)
		return err == nil && is(p, f), err
	}
}

func says(line string) func(*view, url.Values) ([]string, error) {
	return func(*view, url.Values) ([]string, error) { return []string{line}, nil }
}

// checkDead refuses a change of all dead letters.
func checkDead(f url.Values) error {
	filter := deadFilter(f.Get)
	if everything := (store.DeadLetterFilter{DiedUntil: filter.DiedUntil}); filter == everything && f.Get("group") == "" {
		return &failure{http.StatusBadRequest, "Say which dead letters: a workflow, a kind, an instance, or a part of the error."}
	}
	if f.Get("until") != "" && filter.DiedUntil.IsZero() {
		return &failure{http.StatusBadRequest, "The time until which they died cannot be read."}
	}
	return nil
}

// previewDead says what a change does, and counts the dead letters that it is about.
func previewDead(does ...string) func(v *view, f url.Values) ([]string, error) {
	return func(v *view, f url.Values) ([]string, error) {
		lines := slices.Clone(does)
		if key := (store.InstanceKey{Workflow: f.Get("workflow"), ID: f.Get("id")}); key.Workflow != "" && key.ID != "" {
			report, err := v.console.admin.Inspect(v.ctx, key)
			switch unknown := (*store.UnknownInstance)(nil); {
			case errors.As(err, &unknown):
			case err != nil:
				return nil, err
			case report.Completed():
				lines = append(lines, fmt.Sprintf("%s has completed, in the state %s.", key, cmp.Or(report.Status, "of its end")))
			}
		}
		counted, err := v.countDead(f)
		return append(lines, counted...), err
	}
}

func (v *view) countDead(f url.Values) (lines []string, err error) {
	filter, group := deadFilter(f.Get), f.Get("group")
	groups, counted, err := v.deadGroups(filter)
	switch {
	case err != nil:
		return nil, err
	case !counted:
		_, err := v.console.admin.DeadLetters(v.ctx, admin.DeadLetterQuery{DeadLetterFilter: filter, Limit: 1}) // the store may not answer at all
		return []string{fmt.Sprintf("There are too many to be counted within %s. All that the filter above selects are concerned.", v.console.config.Timeout/groupedFor)}, err
	}
	for _, g := range groups {
		if group == "" || g.ID == group {
			lines = append(lines, fmt.Sprintf("%d of %s %s: %s", g.Count, g.Queue.Singular(), g.Kind, g.Error))
		}
	}
	if more := len(lines) - groupsShown; more > 0 {
		lines = append(lines[:groupsShown], fmt.Sprintf("And %d more groups.", more))
	}
	if len(lines) == 0 {
		return nil, &failure{http.StatusNotFound, "There are none of these dead letters any more."}
	}
	return lines, nil
}

// wanted returns the change that a form names, with its parameters alone.
func (v *view) wanted(f url.Values) (change, url.Values, error) {
	c, known := changes[f.Get("change")]
	switch {
	case !known:
		return c, nil, &failure{http.StatusNotFound, "There is no such change."}
	case v.access.Role < c.role:
		return c, nil, &failure{http.StatusForbidden, fmt.Sprintf("This needs the role %s; yours is %s.", c.role, v.access.Role)}
	}
	if err := v.mayFilter(f); err != nil {
		return c, nil, err
	}
	its := url.Values{}
	for _, name := range c.takes {
		if value := f.Get(name); value != "" {
			its.Set(name, value)
		}
	}
	if c.check != nil {
		return c, its, c.check(its)
	}
	return c, its, nil
}

// shownParameters say what the reader was shown, so that a form that is sent again, or late, changes nothing more.
var shownParameters = []string{"until", "next", "position", "paused"}

// confirm shows a change before it is made, with a form for the reason. What dies later is not part of what it shows. An address, which
// another site may have made, gives neither the reason nor what was shown.
func (c *console) confirm(v *view) error {
	f := maps.Clone(v.query)
	for _, name := range append([]string{"reason"}, shownParameters...) {
		f.Del(name)
	}
	return v.confirm(f, http.StatusOK, "")
}

func (v *view) confirm(f url.Values, status int, wrong string) error {
	wanted, its, err := v.wanted(f)
	if err != nil {
		return err
	}
	if its.Get("until") == "" && slices.Contains(wanted.takes, "until") {
		its.Set("until", v.now.UTC().Format(time.RFC3339Nano))
	}
	lines, err := wanted.preview(v, its)
	if err != nil {
		return err
	}
	return v.render(status, "change", wanted.title, map[string]any{
		"Change": f.Get("change"), "Title": wanted.title, "Lines": lines, "Red": wanted.red, "Parameters": its, "Wrong": wrong, "Reason": f.Get("reason"), "Back": wanted.page,
	})
}

// change makes a change. Then it leads to a page that is read, so that reloading it changes nothing.
func (c *console) change(v *view) error {
	f, err := v.form(maxForm)
	if err != nil {
		return err
	}
	wanted, its, err := v.wanted(f)
	if err != nil {
		return err
	}
	reason := strings.TrimSpace(f.Get("reason"))
	if wrong := wrongReason(reason); wrong != "" {
		return v.confirm(f, http.StatusUnprocessableEntity, wrong)
	}
	n, err := v.make(wanted, its, reason)
	if err != nil {
		return err
	}
	to := []any{"done", f.Get("change"), "n", n}
	if wanted.page == "dead" { // what is left of those, or has died again
		for _, name := range []string{"workflow", "kind", "queue", "id", "error"} {
			to = append(to, name, its.Get(name))
		}
	}
	v.lead(link(wanted.page, to...))
	return nil
}

// make makes a change unless it was made already. Forms that are sent at the same time wait for each other, so that the second one sees
// what the first one did.
func (v *view) make(wanted change, its url.Values, reason string) (n int, err error) {
	c := v.console
	ctx := store.WithOperator(v.ctx, store.Operator{By: v.access.Name, Reason: reason}) // the audit log keeps both
	if wanted.already != nil {
		select {
		case c.changes <- struct{}{}:
			defer func() { <-c.changes }()
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		if made, err := wanted.already(ctx, c, its); made || err != nil {
			return 0, err
		}
	}
	n, err = wanted.run(ctx, c, its, v.access.Name, reason)
	c.figures.forget()
	if err != nil && n > 0 {
		why := v.explained(err)
		return n, &failure{why.status, fmt.Sprintf("%s %s Go back and send the same form again for the others.", wanted.done(int64(n)), why.text)}
	}
	return n, err
}

// maxReason is how many characters a reason may have.
const maxReason = 500

// wrongReason says what is wrong with a reason; "" for nothing.
func wrongReason(reason string) string {
	switch n := utf8.RuneCountInString(reason); {
	case n == 0:
		return "Say why; the reason is stored."
	case n > maxReason:
		return fmt.Sprintf("The reason has %d characters; at most %d are stored.", n, maxReason)
	}
	return ""
}
