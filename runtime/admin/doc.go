// Package admin operates what is in a store: it lists, explains and repairs instances, deliveries and projections. It needs a store, and
// not the code of the workflows; what it knows of them, programs have told the store while they ran ([runtime.Engine.Run]).
//
//	a, err := admin.New(store, admin.Config{})
//	report, err := a.Stuck(ctx, admin.StuckQuery{Workflow: "order"})
//
// An engine has the same operations as methods.
//
// [runtime.Engine.Run]: https://pkg.go.dev/github.com/ironflow-gen/ironflow/runtime#Engine.Run
package admin
