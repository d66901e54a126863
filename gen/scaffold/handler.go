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
	Name      string
	Doc       string // a comment
	Note      string // a comment
	HasResult bool   // the handler returns more than an error
}

func effectViewOf(w *spec.Workflow, e *spec.Effect) effectView {
	v := effectView{Name: e.Name.Text, Doc: doc(e.Name.Text, e.Doc), Note: comment(handleNote(e)), HasResult: len(e.Returns) > 0}
	if v.HasResult {
		result := find(w.Inputs, e.Returns[0].Text)
		v.Note = comment(handleNote(e)+" For example:") +
			example("return "+fill(result.Name.Text, withoutID(result), "effect", e.Fields).annotated()+", nil")
	}
	return v
}

// handleNote says what there is to do for an effect.
func handleNote(e *spec.Effect) string {
	note := "TODO: do it here, with call.IdempotencyKey."
	if returns := names(e.Returns, func(n spec.Name) (string, bool) { return n.Text, true }); len(returns) > 0 {
		if e.Optional.Text != "" {
			returns = append(returns, "nil for no input")
		}
		note += " The result is " + diagnostic.Listing(returns, "or") + "."
	}
	return note
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
