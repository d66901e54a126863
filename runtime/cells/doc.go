// Package cells spreads the instances of a system over several stores, for example when one PostgreSQL server does not carry all of them.
// Each store is a cell. A [Router] is what generated clients take instead of an engine:
//
//	router, err := cells.New(ctx, cells.Config{
//		Cells:       map[string]runtime.Store{"a": storeA, "b": storeB, "c": storeC},
//		Generations: []cells.Generation{{Number: 1, Cells: []string{"a"}}, {Number: 2, Cells: []string{"b", "c"}}},
//		Separator:   ":",
//	}, order.NewWorkflow(decider, evolver, handler))
//	client := order.NewClient(router)
//	err = router.Run(ctx)
//
// # Where an instance is
//
// A generation is a set of cells that took new instances at the same time. New instances go to the newest generation; older ones stay where
// they are. Within a generation, rendezvous hashing (Thaler and Ravishankar, 1998) of the instance's partition chooses the cell. So each
// id has one home in each generation, and an instance is in one of its homes.
//
// The partition is the id, or its part before the separator. The ids "ann:1" and "ann:2" are in one cell, and so is what holds the unique key
// "ann:email". The id of a child begins with the workflow of its parent and a slash. What is before the last slash does not count, so
// children are where their parents are, if the parent's id has a separator.
//
// # Growing
//
// To add cells, add a generation with the next number to the list of each process, one after the other. No data moves. While old and new
// processes run side by side, no id is created twice: before a process creates an instance in a newer generation, it keeps the id free in the
// older homes, by a mark under the key that the instance would have there. If a process with an older list meets a mark, its call fails with
// *store.Elsewhere, whose Generation says which list it needs. A mark is left only after the decision was accepted. If the process dies
// before the commit, the next one that creates the id does so in spite of the mark.
//
// A store that was used without cells becomes the only cell of the oldest generation. Engines of runtime.NewEngine may go on using it beside
// routers, like processes with an older list. They create nothing in other cells: their calls fail with *store.Elsewhere.
//
// [Router.CloseOlder] ends the time of the older lists, and of engines without one, and deletes the marks. [Router.Retire] checks that nothing is left in the oldest
// generation, so that it can be left out of the list.
//
// # Between cells
//
// An effect that starts another workflow, or sends it an input, and the end of a child reach an instance in another cell from the outbox, at
// least once, with an input id. So the input is decided once. Schedules are in every cell. Each firing has one input id, so it is decided
// once, too. A schedule waits for the cell of the instance that it fires for, and for no other.
//
// # Operations
//
// [Router.Store] is all cells as one store for package admin and the console. They list and change what is in any cell, and go on while a cell
// is down.
//
// # What a system of several cells does not have
//
// A router refuses the option runtime.Within. A projection needs one store: run it by an engine of runtime.NewEngine on the store of a cell,
// or read the feed of all cells with [Router.Subscribe]. A limit of an effect over all processes holds for each cell by itself.
package cells
