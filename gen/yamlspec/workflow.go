package yamlspec

import (
	"gopkg.in/yaml.v3"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// version is the one version of the format that this package reads.
const version = "1"

// workflow reads the document.
func (r *reader) workflow(root *yaml.Node) *spec.Workflow {
	w := &spec.Workflow{File: r.src.file, Pos: r.pos(root)}
	o := r.object(root, "the declaration", `"ironflow: 1", "workflow: order" and so on, a line for each`,
		"ironflow", "workflow", "as", "package", "doc", "id", "http", "external", "allow", "unique", "search", "subject", "types", "state",
		"inputs", "events", "effects", "timers", "schedules", "rejections", "states")
	if !o.ok {
		return nil
	}
	r.version(o.values["ironflow"], root)
	w.Name = o.name(r, "workflow")
	o.stored(r, &w.Name)
	w.Package = o.name(r, "package")
	w.Doc = r.doc(o)
	w.ID = o.name(r, "id")
	w.HTTP, _ = r.boolean(o.values["http"], "http of the declaration")
	w.External, _ = r.boolean(o.values["external"], "external of the declaration")
	w.ExternalPos = r.posOf(o.values["external"])
	w.Allowed = r.allowed(o.values["allow"])
	w.Unique = r.unique(o.values["unique"])
	w.Search = r.names(o.values["search"], "search", true)
	w.Subject = o.name(r, "subject")
	w.Types = r.types(o.values["types"])
	w.State = r.fields(o.values["state"], "the state")
	w.Inputs = r.messages(o.values["inputs"], "inputs", "input", "id", "from", "retired")
	w.Events = r.messages(o.values["events"], "events", "event", "retired")
	for _, e := range w.Events {
		r.events = append(r.events, e.Name.Text)
	}
	w.Effects = r.effects(o.values["effects"])
	w.Timers = r.timers(o.values["timers"])
	w.Schedules = r.schedules(o.values["schedules"])
	w.Rejections = r.messages(o.values["rejections"], "rejections", "rejection")
	w.States = r.states(o.values["states"])
	return w
}

// version checks the version of the format.
func (r *reader) version(n, root *yaml.Node) {
	if n == nil {
		r.report(root, diagnostic.FormatVersion, `the version of the format is missing; write "ironflow: 1" first`)
		return
	}
	n = r.resolve(n)
	switch {
	case n == nil:
	case n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int":
		r.report(n, diagnostic.FormatVersion, `the version of the format must be the number 1, not %s; write "ironflow: 1"`, found(n))
	case n.Value != version:
		r.report(n, diagnostic.FormatVersion, "version %s of the format is not known; this ironflow-gen reads version 1", n.Value)
	}
}
