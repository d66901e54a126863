// Package console serves pages on which people see why an instance waits, and act on it: instances with their state machine and their
// decisions, dead letters, what is stuck, projections, programs. It reads a store through package admin, so it needs no code of the
// workflows.
//
//	a, err := admin.New(store, admin.Config{})
//	mux.Handle("/console/", console.New(a, console.Config{Access: who}))
//
// All links are relative to the last segment of the path, so the pages work under any path that ends with a slash, and behind proxies
// that strip a prefix of the path or keep it.
//
// # Safety
//
// Without Config.Access only requests from this computer are answered, and they cannot change anything. A page is only read by GET. A change
// is a POST with a reason. It is shown before it is made, and refused if it comes from another site. The pages load nothing from other
// servers and run no script but their own. They also work without it; with it, an open page follows the store.
package console
