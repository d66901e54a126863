package scaffold

import (
	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// handlerView is what handler.go.tmpl shows.
type handlerView struct {
	Package string
	Effects []effectView
}

// effectView is a method of the handler.
type effectView struct {
	Name   string
	Doc    string // a comment
	Note   string // a comment
	Result string // an expression; empty when the handler returns only an error
}

func effectViewOf(w *spec.Workflow, e *spec.Effect) effectView {
	v := effectView{Name: e.Name.Text, Doc: doc(e.Name.Text, e.Doc)}
	note := "TODO: do it here, with call.IdempotencyKey."
	if len(e.Returns) > 0 {
		result := find(w.Inputs, e.Returns[0].Text)
		v.Result = fill(result.Name.Text, withoutID(result), "effect", e.Fields).annotated()
		if others := names(e.Returns[1:], func(n spec.Name) (string, bool) { return n.Text, true }); len(others) > 0 {
			note += " The result may also be " + diagnostic.Listing(others, "or") + "."
		}
	}
	v.Note = comment(note)
	return v
}

// withoutID returns an input's fields but for its id, which the runtime fills in.
func withoutID(in *spec.Message) []*spec.Field {
	var fields []*spec.Field
	for _, f := range in.Fields {
		if f.Name.Text != in.ID.Text {
			fields = append(fields, f)
		}
	}
	return fields
}
