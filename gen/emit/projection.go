package emit

import (
	"fmt"
	"slices"

	"github.com/dave/jennifer/jen"
)

// projection emits what takes the workflow's events into tables, and what reads them from the feed.
func (e *emitter) projection(f *file) {
	tx := e.transactionParameter()
	events := messageNames(e.w.Events)

	f.comment(wrap(fmt.Sprintf("EventProjector writes the events of the workflow %s to your own tables. "+
		"%s is the store's transaction, pgx.Tx or *sql.Tx; write only through it. After an error it is rolled back, and the event is tried again. "+
		"Add a method Reset(ctx context.Context, tx %s) error, which deletes all rows, to make it possible to rebuild the projection.",
		e.w.Name.Text, tx, tx)))
	f.decl().Type().Id("EventProjector").Types(jen.Id(tx).Any()).InterfaceFunc(func(g *jen.Group) {
		for _, ev := range e.w.Events {
			if ev.Doc != "" {
				g.Add(comment(ev.Doc))
			}
			g.Id(ev.Name.Text).Params(
				jen.Id("ctx").Qual("context", "Context"), jen.Id("tx").Id(tx),
				jen.Id("event").Id(ev.Name.Text), jen.Id("stored").Add(runtimeID("StoredEvent")),
			).Error()
		}
	})

	f.comment("NewProjection returns a projection for runtime.Config.Projections. The name is stored with its position.")
	f.decl().Func().Id("NewProjection").Types(jen.Id(tx).Any()).
		Params(jen.Id("name").String(), jen.Id("projector").Id("EventProjector").Types(jen.Id(tx))).
		Add(runtimeID("Projection")).Types(jen.Id(tx)).
		Block(
			jen.Id("apply").Op(":=").Func().
				Params(jen.Id("ctx").Qual("context", "Context"), jen.Id("tx").Id(tx), jen.Id("stored").Add(runtimeID("StoredEvent"))).
				Error().
				Block(
					jen.List(jen.Id("event"), jen.Err()).Op(":=").Id("DecodeEvent").Call(jen.Id("stored")),
					jen.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Err())),
					jen.Switch(jen.Id("event").Op(":=").Id("event").Assert(jen.Type())).BlockFunc(func(g *jen.Group) {
						for _, name := range events {
							g.Case(jen.Id(name)).Block(jen.Return(jen.Id("projector").Dot(name).
								Call(jen.Id("ctx"), jen.Id("tx"), jen.Id("event"), jen.Id("stored"))))
						}
					}),
					jen.Return(jen.Nil()),
				),
			jen.Return(runtimeID("TypedProjection").Call(jen.Id("name"), jen.Id("WorkflowName"), jen.Id("projector"), jen.Id("apply"))),
		)

	f.comment("DecodeEvent decodes an event of the feed. If this program does not know the event, the error is *runtime.UnknownEvent.")
	f.decl().Func().Id("DecodeEvent").Params(jen.Id("stored").Add(runtimeID("StoredEvent"))).Params(jen.Id("Event"), jen.Error()).Block(
		jen.Return(workflowID("DecodeEvent").Call(jen.Id("WorkflowName"), e.codecOf("Event"), jen.Id("stored"))),
	)
}

// transactionParameter is the name of the type parameter, which must not hide an event of the same name.
func (e *emitter) transactionParameter() string {
	name := "Tx"
	for events := messageNames(e.w.Events); slices.Contains(events, name); {
		name = "Store" + name
	}
	return name
}
