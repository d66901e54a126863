// Package runtime runs ironflow workflows: event-sourced, durable state machines whose glue ironflow-gen writes.
//
// A workflow is a pure function and a fold. Its decider answers an input with events, effects and timers, or with a
// rejection; its evolver folds events into state. The [Engine] is the one door for inputs, whoever sends them: a typed
// client, the result of an effect, or a timer. Inputs wait in lanes, by instance. A lane takes what is waiting, asks the
// deciders about the states it remembers or reads, and stores what they say in one commit, in which the [Store] checks that
// the instances are still at the versions that were decided on. Workers then deliver the effects to handlers and the
// timers back to the workflow.
//
// The way of an input, from the generated client to COMMIT (the rooms of the engine are packages below internal):
//
//	order.Client.Pay → Execute → Engine.execute → Engine.admit → commit.Executor.Submit → lane.run → batch.run → batch.attempt →
//	batch.decideAndStore → batch.store → bound.Store.Append → postgres.Store.Append
//
// batch.decideAndStore asks for each decision on its way, by chain.decide. An input that must not hold up a batch is decided alone,
// under the instance's lock:
//
//	lane.serveApart → Executor.single → Store.Begin → chain.decide → UnitOfWork.Commit
//
// docs/architecture.md has the whole house.
//
// What holds, whatever process dies when:
//
//   - Two inputs of one instance never decide on the same version.
//   - Events, effects, timers, unique key and completion of a decision, and the consumption of the effect or timer that
//     caused it, are stored together or not at all.
//   - A rejected input leaves nothing behind.
//   - An effect is handled at least once, and its result is applied exactly once. Handlers get a stable idempotency key.
//   - Attempts are counted when a delivery is claimed, so one that kills its process still ends as a dead letter.
//
// Package store is the contract of the stores, package workflow the model that generated code fills in, and package telemetry what an
// engine reports about itself. This package has names of its own for what users handle of them.
package runtime
