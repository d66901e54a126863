// Package admin lists, explains and repairs the instances, deliveries and projections in a store. It does not need the code of the
// workflows: a program that runs ([runtime.Engine.Run]) stores
// a description of them.
//
//	a, err := admin.New(store, admin.Config{})
//	report, err := a.Stuck(ctx, admin.StuckQuery{Workflow: "order"})
//
// An engine has the same operations as methods.
//
// [runtime.Engine.Run]: https://pkg.go.dev/github.com/ironflow-gen/ironflow/runtime#Engine.Run
package admin
