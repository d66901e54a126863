package convert

import (
	"bytes"
	"fmt"
	"go/format"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// Go returns a file of annotated Go types that says the same as a model.
func Go(w *spec.Workflow) ([]byte, error) {
	g := &golang{w: w}
	g.state()
	g.types()
	g.section("What can be asked of an instance.", "input", w.Inputs, g.inputArguments)
	g.section("What has happened.", "event", w.Events, nil)
	g.effects()
	g.timers()
	g.section("Why an input may be refused.", "rejection", w.Rejections, nil)
	g.states()
	text := slices.Concat([]byte("package "+w.Package.Text+"\n"), g.imports.block(), g.text.Bytes())
	source, err := format.Source(text)
	if err != nil {
		return nil, fmt.Errorf("formatting the types of workflow %s: %w", w.Name.Text, err)
	}
	return source, nil
}

// golang is a Go file under construction.
type golang struct {
	w       *spec.Workflow
	imports imports
	text    bytes.Buffer
}

func (g *golang) line(format string, args ...any) {
	fmt.Fprintf(&g.text, format, args...)
	g.text.WriteByte('\n')
}

// comment writes a text as line comments.
func (g *golang) comment(text string) {
	if text == "" {
		return
	}
	for line := range strings.SplitSeq(text, "\n") {
		g.line("%s", strings.TrimRight("// "+printable(line), " "))
	}
}

// printable drops what Go source may not contain.
func printable(line string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' || r == '\uFEFF' {
			return -1
		}
		return r
	}, line)
}

// directive writes a directive below a doc.
func (g *golang) directive(doc, name string, args ...string) {
	g.comment(doc)
	if doc != "" {
		g.line("//")
	}
	g.line("%s", strings.Join(append([]string{"//ironflow:" + name}, slices.DeleteFunc(args, func(a string) bool { return a == "" })...), " "))
}

// argument writes key=value, or nothing for no value.
func argument(key, value string) string {
	if value == "" {
		return ""
	}
	return key + "=" + quoteValue(value)
}

// quoteValue puts a value in quotes that would be taken for several otherwise.
func quoteValue(value string) string {
	if value == "" || strings.ContainsFunc(value, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == '"' || r == '`' }) {
		return strconv.Quote(value)
	}
	return value
}

func nameList(names []spec.Name) string {
	texts := make([]string, len(names))
	for i, n := range names {
		texts[i] = n.Text
	}
	return strings.Join(texts, ",")
}

func (g *golang) state() {
	w := g.w
	var unique []string
	for _, u := range w.Unique {
		unique = append(unique, u.Input.Text+":"+spec.GoName(u.Field.Text))
	}
	var search []string
	for _, name := range w.Search {
		search = append(search, spec.GoName(name.Text))
	}
	http := ""
	if w.HTTP {
		http = "http=true"
	}
	external := ""
	if w.External {
		external = "external=true"
	}
	g.line("")
	g.directive(w.Doc, "workflow", argument("type", w.Name.Text), argument("as", w.Name.StoredAs), argument("id", spec.GoName(w.ID.Text)),
		argument("unique", strings.Join(unique, ",")), argument("search", strings.Join(search, ",")), argument("subject", spec.GoName(w.Subject.Text)), http, external)
	g.line("type State struct {")
	if w.HasStates() {
		g.line("Status Status")
	}
	g.fields(w.State)
	g.line("}")
}

func (g *golang) fields(list []*spec.Field) {
	for _, f := range list {
		g.comment(f.Doc)
		name := spec.GoName(f.Name.Text)
		g.line("%s %s%s", name, g.goType(&f.Type), tag(f, name))
	}
}

// tag writes the tags of a field that its Go name and type do not make needless.
func tag(f *spec.Field, goName string) string {
	var tags, options []string
	if spec.SnakeName(goName) != f.Name.Stored() {
		tags = append(tags, fmt.Sprintf("json:%q", f.Name.Stored()))
	}
	if inner := f.Type.Innermost(); inner.Kind == spec.Scalar && inner.Name == "decimal" {
		options = append(options, "decimal")
	}
	if f.Personal {
		options = append(options, "personal")
	} else if f.NotPersonal {
		options = append(options, spec.NotPersonalOption)
	}
	if f.Was.Text != "" {
		options = append(options, "was="+f.Was.Text)
	}
	if f.Default.Text != "" {
		options = append(options, "default="+f.DefaultText())
	}
	if len(options) > 0 {
		tags = append(tags, fmt.Sprintf("ironflow:%q", strings.Join(options, ",")))
	}
	if len(tags) == 0 {
		return ""
	}
	tag := strings.Join(tags, " ")
	if strings.Contains(tag, "`") {
		return " " + strconv.Quote(tag)
	}
	return " `" + tag + "`"
}

func (g *golang) goType(ref *spec.TypeRef) string {
	switch ref.Kind {
	case spec.Optional:
		return "*" + g.goType(ref.Elem)
	case spec.List:
		return "[]" + g.goType(ref.Elem)
	case spec.Map:
		return "map[string]" + g.goType(ref.Elem)
	case spec.Scalar:
		switch ref.Name {
		case "decimal":
			return "string"
		case "bytes":
			return "[]byte"
		case "time":
			return g.imports.name("time") + ".Time"
		case "duration":
			return g.imports.name("time") + ".Duration"
		case "json":
			return g.imports.name("encoding/json") + ".RawMessage"
		}
	}
	return ref.Name
}

// types writes the declared types. One that nothing uses says that it belongs to the declaration.
func (g *golang) types() {
	used := usedTypes(g.w)
	for _, t := range g.w.Types {
		g.line("")
		if used[t] {
			g.comment(t.Doc)
		} else {
			g.directive(t.Doc, "type")
		}
		switch t.Kind {
		case spec.Struct:
			g.line("type %s struct {", t.Name.Text)
			g.fields(t.Fields)
			g.line("}")
		case spec.Imported:
			g.line("type %s = %s.%s", t.Name.Text, g.imports.name(t.Go.Path), t.Go.Name)
		case spec.Enum:
			g.line("type %s string", t.Name.Text)
			g.line("\n// The values of %s.\nconst (", t.Name.Text)
			for _, v := range t.Values {
				g.comment(v.Doc)
				g.line("%s %s = %q", v.GoName, t.Name.Text, v.Name.Stored())
			}
			g.line(")")
		}
	}
}

// usedTypes finds the types that fields of messages, or of the state, are made of.
func usedTypes(w *spec.Workflow) map[*spec.Type]bool {
	used := make(map[*spec.Type]bool)
	var add func(fields []*spec.Field)
	add = func(fields []*spec.Field) {
		for _, f := range fields {
			if t := f.Type.Innermost().Decl; t != nil && !used[t] {
				used[t] = true
				add(t.Fields)
			}
		}
	}
	add(w.State)
	for _, m := range w.Messages() {
		add(m.Fields)
	}
	return used
}

// section writes messages of one kind.
func (g *golang) section(comment, kind string, list []*spec.Message, arguments func(*spec.Message) []string) {
	if len(list) == 0 {
		return
	}
	g.line("\n// %s", comment)
	for _, m := range list {
		var args []string
		if arguments != nil {
			args = arguments(m)
		}
		g.message(m, kind, args...)
	}
}

func (g *golang) message(m *spec.Message, kind string, args ...string) {
	g.line("")
	g.directive(m.Doc, kind, append([]string{argument("as", m.Name.StoredAs), number("version", m.Schema), retired(m.Retired)}, args...)...)
	if len(m.Fields) == 0 {
		g.line("type %s struct{}", m.Name.Text)
		return
	}
	g.line("type %s struct {", m.Name.Text)
	g.fields(m.Fields)
	g.line("}")
}

func (g *golang) inputArguments(m *spec.Message) []string {
	id := ""
	if m.ID.Text != g.w.ID.Text {
		id = spec.GoName(m.ID.Text)
	}
	return []string{argument("id", id), argument("from", m.From.Text)}
}

func retired(is bool) string {
	if !is {
		return ""
	}
	return argument("retired", "true")
}

func (g *golang) effects() {
	if len(g.w.Effects) == 0 {
		return
	}
	g.line("\n// Work outside of the workflow.")
	for _, e := range g.w.Effects {
		g.message(&e.Message, "effect",
			argument("returns", nameList(e.ReturnsList())), delivery("starts", e.Starts), argument("ended", e.Ended.Text),
			delivery("sends", e.Sends), argument("refused", e.Refused.Text), argument("dead", e.Dead.Text), argument("retry", retry(e.Retry)),
			duration("timeout", e), number("priority", e.Priority), argument("limit", limit(e.Limit)), external(e))
	}
}

func duration(key string, e *spec.Effect) string {
	if e.Timeout == 0 {
		return ""
	}
	return argument(key, spec.DurationText(e.Timeout))
}

func number(key string, n int) string {
	if n == 0 {
		return ""
	}
	return argument(key, strconv.Itoa(n))
}

func delivery(key string, d *spec.Delivery) string {
	if d == nil {
		return ""
	}
	if d.ToParent() {
		return argument(key, d.Input.Text) + " " + argument("to", d.To.Text)
	}
	return argument(key, d.Workflow.Text+"/"+d.Input.Text)
}

func external(e *spec.Effect) string {
	if e.Starts != nil && e.Starts.External || e.Sends != nil && e.Sends.External {
		return argument("external", "true")
	}
	return ""
}

// retry writes what there is without names, if nothing is left out before.
func retry(r spec.Retry) string {
	var parts, named []string
	add := func(name, value string, is bool) {
		if is {
			parts = append(parts, value)
			named = append(named, name+":"+value)
		}
	}
	add("max_attempts", strconv.Itoa(r.MaxAttempts), r.MaxAttempts > 0)
	add("base", spec.DurationText(r.Base), r.Base > 0)
	add("max", spec.DurationText(r.Max), r.Max > 0)
	for i, is := range []bool{r.MaxAttempts > 0, r.Base > 0, r.Max > 0} {
		if i < len(parts) && !is {
			return strings.Join(named, ",")
		}
	}
	return strings.Join(parts, ",")
}

func limit(l *spec.Limit) string {
	if l == nil {
		return ""
	}
	var parts []string
	add := func(name, value string, is bool) {
		if is {
			parts = append(parts, name+":"+value)
		}
	}
	add("concurrency", strconv.Itoa(l.Concurrency), l.Concurrency > 0)
	add("global", strconv.Itoa(l.Global), l.Global > 0)
	add("rate", rateText(l.Rate), l.Rate > 0)
	add("burst", strconv.Itoa(l.Burst), l.Burst > 0)
	add("key", spec.GoName(l.Key.Text), l.Key.Text != "")
	add("per_key", strconv.Itoa(l.PerKey), l.PerKey > 0)
	return strings.Join(parts, ",")
}

// timers writes what delivers inputs later, each in a comment of its own.
func (g *golang) timers() {
	for _, t := range g.w.Timers {
		after := ""
		if t.After > 0 {
			after = argument("after", spec.DurationText(t.After))
		}
		args := append([]string{t.Name.Text, argument("as", t.Name.StoredAs), argument("input", t.Input.Text), after}, recurrence(t.Recurrence)...)
		g.line("")
		g.directive(t.Doc, "timer", append(args, argument("while", nameList(t.While)), retired(t.Retired))...)
	}
	for _, s := range g.w.Schedules {
		args := append([]string{s.Name.Text, argument("input", s.Input.Text)}, recurrence(s.Recurrence)...)
		g.line("")
		g.directive(s.Doc, "schedule", append(args, argument("instance", s.Instance.Text))...)
	}
	for _, a := range g.w.Allowed {
		g.line("")
		g.directive("", "allow", quoteValue(a.Code+" "+a.Subject), argument("reason", a.Reason))
	}
}

func recurrence(r spec.Recurrence) []string {
	return []string{argument("schedule", r.Schedule.Text), argument("zone", r.Zone.Text), argument("missed", r.Missed.Text)}
}

// states writes the state machine.
func (g *golang) states() {
	if !g.w.HasStates() {
		return
	}
	g.line("\n// Status is the state of the state machine that an instance is in.\ntype Status string\n\n// The states. The first is the initial one.\nconst (")
	for i, s := range g.w.States {
		if i > 0 {
			g.line("")
		}
		g.comment(s.Doc)
		if s.Doc != "" {
			g.line("//")
		}
		if s.Terminal {
			g.line("//ironflow:terminal")
		}
		if s.Retired {
			g.line("//ironflow:retired")
		}
		if s.Waits.Text != "" {
			deadline := ""
			if s.Deadline > 0 {
				deadline = argument("deadline", spec.DurationText(s.Deadline))
			}
			g.directive("", "waits", s.Waits.Text, deadline)
		}
		for _, t := range s.Accepts {
			args := []string{t.Input.Text}
			for _, m := range t.Moves {
				args = append(args, argument(m.Event.Text, m.To.Text))
			}
			args = append(args, argument("effects", nameList(t.Effects)), argument("timers", nameList(t.Timers)),
				argument("reject", t.Reject.Text), argument("doc", t.Doc))
			g.directive("", "accepts", args...)
		}
		g.line("%s Status = %q", spec.StatusName(s.Name.Text), s.Name.Stored())
	}
	g.line(")")
}
