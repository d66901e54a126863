package contract

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// Finding is one difference that stored rows could meet.
type Finding struct {
	Code    diagnostic.Code
	Subject string   // what differs, as a declaration allows it: event Paid.cents
	Text    string   // what is wrong; what to do about it
	Pos     spec.Pos // in the new set
	Old     spec.Pos // in the old set
}

// Compare returns what rows that were stored under the old set could meet in a program of the new one. The new set has the old versions of
// events, as [Set.With] leaves them. The findings are in no order.
func Compare(old, new *Set) []Finding {
	c := &comparer{old: old, new: new, reported: make(map[string]bool), isNewName: make(map[string]bool)}
	if old.Workflow != new.Workflow {
		c.report(diagnostic.WorkflowGone, []string{"workflow", old.Workflow},
			`the workflow %q is now stored as %q, and its instances, effects and timers stay under the old name; write "as: %s" to keep the stored name`, old.Workflow, new.Workflow, old.Workflow)
		return c.findings
	}
	c.events()
	c.effects()
	c.inputs()
	c.rejections()
	c.timers()
	c.schedules()
	c.machine()
	c.personal()
	c.deploy()
	return c.findings
}

type comparer struct {
	old, new *Set
	findings []Finding
	reported map[string]bool // codes with subjects

	isNewName map[string]bool // keys of new fields that another one may have been renamed to
}

// subjects are the kinds of facts as findings name them.
var subjects = map[string]string{"status": "state", "accept": "input in state", "move": "event in state"}

// subject names what a path leads to.
func subject(path []string) string {
	kind := path[0]
	if name := subjects[kind]; name != "" {
		kind = name
	}
	rest := slices.Clone(path[1:])
	if isVersioned(path[0]) && len(rest) > 1 && isNumber(rest[1]) {
		rest = slices.Delete(rest, 1, 2)
	}
	if len(rest) > 2 && (rest[1] == "field" || rest[1] == "value") {
		rest = slices.Delete(rest, 1, 2)
	}
	return strings.TrimSpace(kind + " " + strings.Join(rest, "."))
}

// report adds a finding, once. The format is the message, "; " and the fix.
func (c *comparer) report(code diagnostic.Code, path []string, format string, args ...any) {
	f := Finding{Code: code, Subject: subject(path), Pos: c.new.place(path...), Old: c.old.place(path...), Text: fmt.Sprintf(format, args...)}
	if id := string(code) + f.Subject; !c.reported[id] {
		c.reported[id] = true
		c.findings = append(c.findings, f)
	}
}

// codes are those for the fields of one kind of message.
type codes struct {
	removed, retyped, added, value diagnostic.Code
	newer                          diagnostic.Code // of what a program of before cannot read
	stored                         string          // what has the fields in the store
}

var (
	storeCodes  = codes{diagnostic.FieldRemoved, diagnostic.FieldRetyped, diagnostic.FieldAdded, diagnostic.ValueRemoved, diagnostic.DeployOrder, "stored events"}
	effectCodes = codes{diagnostic.EffectFields, diagnostic.EffectFields, diagnostic.EffectFields, diagnostic.EffectFields, diagnostic.LeftWaiting, "effects in the outbox"}
	inputCodes  = codes{diagnostic.InputFields, diagnostic.InputFields, diagnostic.InputFields, diagnostic.InputFields, diagnostic.LeftWaiting, "inputs that wait to be delivered"}
	rejectCodes = codes{diagnostic.RejectionChanged, diagnostic.RejectionChanged, diagnostic.RejectionChanged, diagnostic.RejectionChanged, diagnostic.DeployOrder, "stored outcomes"}
)

func clientCodes(c diagnostic.Code) codes {
	return codes{c, c, c, c, diagnostic.DeployOrder, "requests of clients"}
}

// fields compares the fields of a message that both sets have. was and is lead to it in the old and in the new set; they differ where the
// version does.
func (c *comparer) fields(codes codes, was, is []string) {
	gone := c.old.at(was...) == nil // it was removed once, and is back
	code := func(code diagnostic.Code) diagnostic.Code {
		if gone {
			return diagnostic.NameReused
		}
		return code
	}
	types := comparison{old: c.old, new: c.new, seen: make(map[[2]string]bool), found: func(d difference) { c.difference(codes, d) }}
	for _, f := range c.old.all(join(was, "field")...) {
		path := join(is, "field", f.Path[len(f.Path)-1])
		now := c.new.at(path...)
		oldType, wasDefault := splitValue(f.Value)
		switch {
		case now == nil && !f.Gone && !gone:
			c.removed(codes, path, oldType)
		case now == nil:
		case f.Gone:
			newType, _ := splitValue(now.Value)
			if types.fit(parseType(oldType), parseType(newType)) == differs {
				c.report(diagnostic.NameReused, path,
					"%s was %s once and is %s now, and %s may have the old one; choose another stored name", subject(path), oldType, newType, codes.stored)
			} else if addedFit(now) == differs {
				c.report(codes.added, path, `%s is back, and %s of meanwhile do not have it; add "default", or make it optional`, subject(path), codes.stored)
			}
		default:
			newType, isDefault := splitValue(now.Value)
			types.types(oldType, newType, path)
			if wasDefault != isDefault && wasDefault != "" {
				c.report(diagnostic.DefaultChanged, path,
					"the default of %s has changed, and %s without the field are read with it; keep the default %s", subject(path), codes.stored, wasDefault)
			}
		}
	}
	for _, f := range c.new.below(join(is, "field")...) {
		if c.old.facts[key(join(was, "field", f.Path[len(f.Path)-1])...)] == nil && addedFit(f) == differs && !c.isNewName[f.Key()] {
			c.report(code(codes.added), f.Path,
				`%s is new, and %s do not have it, so it would be read as zero; add "default", or make it optional`, subject(f.Path), codes.stored)
		}
	}
}

// removed reports a field that is gone. One that is new and has its type may be its new name, and is not reported as well.
func (c *comparer) removed(codes codes, path []string, was string) {
	owner, name := path[:len(path)-1], path[len(path)-1]
	var candidates []*Fact
	for _, f := range c.new.below(owner...) {
		if is, _ := splitValue(f.Value); is == was && c.old.facts[f.Key()] == nil {
			candidates = append(candidates, f)
		}
	}
	fix := "keep the field"
	switch {
	case len(candidates) == 1:
		c.isNewName[candidates[0].Key()] = true
		newName := candidates[0].Path
		fix = fmt.Sprintf(`if %q is its new name, keep the stored one with "as: %s"`, newName[len(newName)-1], name)
	case isVersioned(path[0]):
		fix = fmt.Sprintf(`keep the field, or give the %s a new "version" without it`, path[0])
	}
	c.report(codes.removed, path, "%s is gone, and %s have it; %s", subject(path), codes.stored, fix)
}

// difference reports what comparing two types found.
func (c *comparer) difference(codes codes, d difference) {
	what := subject(d.path)
	isValue := len(d.path) == 4 && d.path[2] == "value"
	switch {
	case d.fit == same:
	case d.fit == widens && isValue:
		c.newer(codes, d.path, "%s is new", what)
	case d.fit == widens:
		c.newer(codes, d.path, "%s was %s and is %s", what, d.old, d.new)
	case isValue:
		c.report(codes.value, d.path, "%s is gone, and %s may have it; keep the value, and refuse it in the decider", what, codes.stored)
	case d.old == "":
		if c.isNewName[key(d.path...)] {
			return
		}
		c.report(codes.added, d.path,
			`%s is new, and %s do not have it, so it would be read as zero; add "default", or make it optional`, what, codes.stored)
	case d.new == "":
		c.removed(codes, d.path, d.old)
	default:
		c.report(codes.retyped, d.path,
			`%s was %s and is %s, and %s may not be read as that; keep the type, and give what has the field a new "version", or use a type of another name`, what, d.old, d.new, codes.stored)
	}
}

// versioned are the kinds of facts whose fields have versions.
var versioned = []string{"effect", "event", "input", "rejection"}

func isVersioned(kind string) bool { return slices.Contains(versioned, kind) }

func isNumber(part string) bool {
	_, err := strconv.Atoi(part)
	return err == nil
}

// versions returns the versions of a message, and the newest; 0 when it has none, or all are gone.
func (s *Set) versions(kind, name string) (list []int, newest int) {
	for _, f := range s.below(kind, name) {
		if v, err := strconv.Atoi(f.Path[2]); err == nil {
			list = append(list, v)
			newest = max(newest, v)
		}
	}
	return list, newest
}

// newest returns the path and the value of the newest version of a message. ok is false when it has none.
func (s *Set) newest(kind, name string) (path []string, value string, ok bool) {
	_, v := s.versions(kind, name)
	path = []string{kind, name, strconv.Itoa(v)}
	return path, s.value(path...), v > 0
}

func (s *Set) has(kind, name string) bool {
	_, newest := s.versions(kind, name)
	return newest > 0
}

// names returns the names of one kind, those that are gone among them, in order.
func (s *Set) names(kind string) []string {
	var list []string
	for _, f := range s.Facts() {
		if len(f.Path) > 1 && f.Path[0] == kind && (len(list) == 0 || list[len(list)-1] != f.Path[1]) {
			list = append(list, f.Path[1])
		}
	}
	return list
}

// versions compares a message that the new set has, version by version.
func (c *comparer) versions(kind, name string, codes codes) {
	path := []string{kind, name}
	_, was := c.old.versions(kind, name)
	_, is := c.new.versions(kind, name)
	switch {
	case is < was:
		c.report(diagnostic.VersionOrder, path,
			"%s %q has version %d, and %s may have version %d; raise the version to %d, or to %d for another change", kind, name, is, codes.stored, was, was, was+1)
		return
	case was > 0 && is > was+1:
		c.report(diagnostic.VersionOrder, path, "%s %q has version %d, and the one before is %d; declare version %d", kind, name, is, was, was+1)
	case was > 0 && is > was:
		c.newer(codes, path, "%s %q has version %d", kind, name, is)
	}
	for _, f := range c.old.all(path...) {
		switch {
		case !isNumber(f.Path[2]):
		case c.new.at(f.Path...) != nil:
			c.fields(codes, f.Path, f.Path)
		case !f.Gone:
			c.report(diagnostic.VersionOrder, f.Path,
				"version %s of %s %q is in no lock, and %s may have it; restore the lines of this version in the lock", f.Path[2], kind, name, codes.stored)
		}
	}
}

// began compares a message that the old set does not have.
func (c *comparer) began(kind, name string) {
	if _, is := c.new.versions(kind, name); is > 1 {
		c.report(diagnostic.VersionOrder, []string{kind, name}, "%s %q is new, and its first version is %d; leave the version out", kind, name, is)
	}
}

// known returns the names of one kind in the old set, and reports those in the new set that begin with a wrong version.
func (c *comparer) known(kind string) []string {
	names := c.old.names(kind)
	for _, name := range c.new.names(kind) {
		if !slices.Contains(names, name) {
			c.began(kind, name)
		}
	}
	return names
}

func (c *comparer) events() {
	for _, event := range c.known("event") {
		had, has := c.old.has("event", event), c.new.has("event", event)
		switch {
		case has:
			c.versions("event", event, storeCodes)
		case had: // else it was allowed to go before
			c.report(diagnostic.EventRemoved, []string{"event", event},
				`event %q is gone, and an instance that has one cannot be read any more; keep it with "retired: true", or keep the stored name with "as: %s"`, event, event)
		}
	}
}

func (c *comparer) effects() {
	for _, name := range c.known("effect") {
		path := []string{"effect", name}
		had := c.old.has("effect", name)
		if !c.new.has("effect", name) {
			if had {
				c.report(diagnostic.EffectRemoved, path,
					`effect %q is gone, and those in the outbox wait for ever; keep it with "retired: true" until the outbox has none, or keep the stored name with "as: %s"`, name, name)
			}
			continue
		}
		c.versions("effect", name, effectCodes)
		if !had {
			continue
		}
		if was, is := c.old.value("effect", name, "to"), c.new.value("effect", name, "to"); was != is {
			c.report(diagnostic.EffectTarget, join(path, "to"),
				"effect %q %s and %s, and those in the outbox go the new way; keep it, and add another effect", name, wasDone(was, "had a handler"), isDone(is, "has a handler"))
		}
		if was, is := c.old.value("effect", name, "key"), c.new.value("effect", name, "key"); was != is && was != "" {
			c.report(diagnostic.LimitKeyChanged, join(path, "key"),
				"the limit of effect %q had the key %q and has %q, and those in the outbox keep the old one; deploy it when the outbox has none of the effect", name, was, is)
		}
		c.retry(name)
	}
}

func wasDone(value, none string) string {
	if value == "" {
		return none
	}
	return "did this: " + value
}

func isDone(value, none string) string {
	if value == "" {
		return none
	}
	return "now does this: " + value
}

func (c *comparer) retry(effect string) {
	attempts := func(s *Set) int {
		const byDefault = 25
		text, _, _ := strings.Cut(s.value("effect", effect, "retry"), " ")
		if n, err := strconv.Atoi(text); err == nil {
			return n
		}
		return byDefault
	}
	if was, is := attempts(c.old), attempts(c.new); is < was {
		c.report(diagnostic.RetryLowered, []string{"effect", effect, "retry"},
			"effect %q has at most %d attempts and had %d, and one in the outbox that has failed as often is a dead letter at once; deploy it when no effect has failed as often", effect, is, was)
	}
}

// delivered reports whether the engine may hold an input that waits to be delivered.
func (s *Set) delivered(input string) bool {
	if _, from, _ := s.newest("input", input); from == spec.FromInternal {
		return true
	}
	for _, effect := range s.names("effect") {
		told := slices.ContainsFunc([]string{"ended", "refused", "dead"}, func(of string) bool { return s.value("effect", effect, of) == input })
		if told || s.at("effect", effect, "returns", input) != nil {
			return true
		}
	}
	for _, kind := range []string{"timer", "schedule"} {
		for _, name := range s.names(kind) {
			if s.value(kind, name) == input {
				return true
			}
		}
	}
	return false
}

func (c *comparer) inputs() {
	for _, name := range c.known("input") {
		path := []string{"input", name}
		delivered := c.old.delivered(name)
		client := diagnostic.ClientsChanged
		if c.new.at("http") != nil && c.old.at("http") != nil {
			client = diagnostic.HTTPChanged
		}
		was, from, had := c.old.newest("input", name)
		is, fromNow, has := c.new.newest("input", name)
		switch {
		case !has && !had:
			continue
		case !has && delivered:
			c.report(diagnostic.InputRemoved, path,
				`input %q is gone, and the effect or timer that delivers one waits for ever; keep it, and reject it in the decider; or keep the stored name with "as: %s"`, name, name)
			continue
		case !has:
			c.report(client, path, `input %q is gone, and clients and other workflows may send it; keep it, or keep the stored name with "as: %s"`, name, name)
			continue
		case delivered:
			c.versions("input", name, inputCodes)
		default:
			c.versions("input", name, clientCodes(client))
		}
		if !had {
			continue
		}
		if from == spec.FromClient && fromNow != spec.FromClient {
			c.report(client, path, `clients could send input %q, and cannot any more; write "from: client"`, name)
		} else if from == spec.FromClient && !slices.Equal(was, is) { // clients know no versions
			c.fields(clientCodes(client), was, is)
		}
		if was, is := c.old.value("input", name, "id"), c.new.value("input", name, "id"); was != is {
			c.report(diagnostic.IDChanged, join(path, "id"),
				"field %q named the instance of input %q, and now %q does; what waits to be delivered would go to other instances; keep the field that names the instance", was, name, is)
		}
		if was, is := c.old.value("input", name, "unique"), c.new.value("input", name, "unique"); was != is {
			c.report(diagnostic.UniqueChanged, join(path, "unique"),
				"the unique key of input %q was %s and is %s, and active instances hold keys of the old kind; keep the key, or let the instances that are active end first", name, orNone(was), orNone(is))
		}
	}
}

func orNone(field string) string {
	if field == "" {
		return "none"
	}
	return "the field " + strconv.Quote(field)
}

func (c *comparer) rejections() {
	for _, name := range c.known("rejection") {
		had, has := c.old.has("rejection", name), c.new.has("rejection", name)
		switch {
		case has:
			c.versions("rejection", name, rejectCodes)
		case had:
			c.report(diagnostic.RejectionChanged, []string{"rejection", name},
				`rejection %q is gone, and a repeat of an input whose outcome has it fails; keep it, or keep the stored name with "as: %s"`, name, name)
		}
	}
}

func (c *comparer) timers() {
	for _, f := range c.old.all("timer") {
		name := f.Path[1]
		if c.new.at(f.Path...) == nil {
			if !f.Gone {
				c.report(diagnostic.TimerRemoved, f.Path,
					`timer %q is gone, and one that runs is not cancelled any more and delivers its input; keep it, or keep the stored name with "as: %s"`, name, name)
			}
			continue
		}
		was, err1 := time.ParseDuration(c.old.value("timer", name, "after"))
		is, err2 := time.ParseDuration(c.new.value("timer", name, "after"))
		if err1 == nil && err2 == nil && is < was {
			c.report(diagnostic.TimerShortened, join(f.Path, "after"),
				"timer %q fires after %s and fired after %s, and timers that run keep their time; make sure that the decider does not count on the time", name, is, was)
		}
	}
}

func (c *comparer) schedules() {
	for _, f := range c.old.all("schedule") {
		if f.Gone {
			continue
		}
		now := c.new.at(f.Path...)
		switch {
		case now == nil:
			c.report(diagnostic.ScheduleChanged, f.Path, "schedule %q is gone, and its row stays in the store and fires no more; keep the name", f.Path[1])
		case now.Value != f.Value || c.new.value(join(f.Path, "when")...) != c.old.value(join(f.Path, "when")...) ||
			c.new.value(join(f.Path, "instance")...) != c.old.value(join(f.Path, "instance")...):
			c.report(diagnostic.ScheduleChanged, f.Path,
				"schedule %q begins again, and firings that were missed until then are left out; nothing needs to be done if that is meant", f.Path[1])
		}
	}
}

func (c *comparer) machine() {
	before, now := c.old.below("status"), c.new.below("status")
	if (len(before) == 0) != (len(now) == 0) {
		if len(c.old.below("event")) > 0 || len(c.old.names("event")) > 0 {
			c.report(diagnostic.MachineChanged, []string{"status"},
				"the workflow had %s and has %s, and stored events cannot be replayed; declare another workflow, and let the instances of this one end", states(len(before)), states(len(now)))
		}
		return
	}
	for _, f := range c.old.all("status") {
		name := f.Path[1]
		is := c.new.at(f.Path...)
		switch {
		case is == nil && !f.Gone:
			c.report(diagnostic.StateRemoved, f.Path,
				`state %q is gone, and an instance whose events lead there cannot be replayed; keep it, or keep the stored name with "as: %s"`, name, name)
		case is == nil || is.Value == f.Value:
		case is.Value == "terminal":
			c.report(diagnostic.CompletionChanged, f.Path,
				"state %q became terminal, and instances that are in it are never completed and accept nothing; lead events to another state that is terminal", name)
		case f.Value == "terminal":
			c.report(diagnostic.Reopened, f.Path, "state %q is no longer terminal, and instances that are in it stay completed; lead events to another state if they are to go on", name)
		case f.Value == "initial":
			c.report(diagnostic.CompletionChanged, f.Path, "state %q came first and does not any more, and instances are replayed from the first state; put it back to the front", name)
		}
	}
	for _, state := range c.old.names("move") {
		if c.new.at("status", state) == nil {
			continue
		}
		for _, f := range c.old.all("move", state) {
			c.move(f)
		}
	}
	c.accepts()
}

func states(n int) string {
	if n == 0 {
		return "no states"
	}
	return "states"
}

// move compares where an event leads from a state.
func (c *comparer) move(f *Fact) {
	state, event := f.Path[1], f.Path[2]
	if !c.new.has("event", event) {
		return // reported with the event
	}
	if c.new.at("status", f.Value) == nil {
		return // reported with the state
	}
	now := c.new.at(f.Path...)
	switch {
	case now == nil && f.Gone:
	case now == nil:
		c.report(diagnostic.MoveChanged, f.Path,
			`event %q leads nowhere from state %q, and led to %q; an instance that has it there cannot be replayed; keep the transition, and reject in the decider; or let the event be "retired: true"`, event, state, f.Value)
	case now.Value != f.Value:
		c.report(diagnostic.MoveChanged, f.Path,
			"event %q leads from state %q to %q, and led to %q; an instance that has it there is replayed into another state; add an event that leads to %q", event, state, now.Value, f.Value, now.Value)
	}
}

// accepts compares which inputs a state accepts.
func (c *comparer) accepts() {
	for _, state := range c.old.names("accept") {
		if c.new.at("status", state) == nil || c.new.value("status", state) == "terminal" {
			continue
		}
		for _, f := range c.old.below("accept", state) {
			input := f.Path[2]
			if c.new.at(f.Path...) != nil || !c.new.has("input", input) {
				continue
			}
			if c.old.delivered(input) {
				c.report(diagnostic.NoLongerAccepted, f.Path,
					"state %q no longer accepts input %q, and an effect or a timer may deliver one there; accept it, and let the decider say what it means now", state, input)
			} else {
				c.report(diagnostic.ClientsChanged, f.Path,
					"state %q no longer accepts input %q, and clients may send one; accept it, and reject it in the decider", state, input)
			}
		}
	}
}
