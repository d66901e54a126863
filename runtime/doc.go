// Package runtime runs ironflow workflows: event-sourced, durable state machines whose glue ironflow-gen writes.
//
// A workflow is a pure function and a fold. Its decider answers an input with events, effects and timers, or with a
// rejection; its evolver folds events into state.
//
// # Engine
//
// [NewEngine] makes an [Engine] of a [Store], a [Config] and each [Workflow] that a generated NewWorkflow returns. An engine takes
// inputs at once. [Engine.Run] delivers effects and timers, and runs projections. Any number of engines, in any number of processes,
// may share a store.
//
// # Inputs and outcomes
//
// Generated clients call [Execute] with an input and return an [Outcome]: accepted with events, rejected, or too late. The options
// are [WithInputID], which makes it safe to send an input again, [Within] a transaction of the caller's, and [WithTrace]. Clients
// read a [View] of the state with [LoadState] and [LoadStateAt], and the history with [LoadHistory]. [Engine.ExecuteDynamic],
// [Engine.StateDynamic] and [Engine.HistoryDynamic] are the same for programs that know JSON and no types.
//
// # Effects
//
// A handler gets an effect and an [EffectCall] with an idempotency key, and returns an input or an error. A failed attempt is made
// again by a [RetryPolicy], unless the error is marked by [Permanent], [RetryAfter] or [Snooze].
//
// # Projections and the feed
//
// A [Projection] writes rows from the events of all instances, each event exactly once. [Config].Projections lists those of an engine;
// [Engine.Projections], [Engine.RebuildProjection] and [Engine.AwaitProjection] are some of the methods about them.
// [Engine.EventsSince] and [Engine.Subscribe] read the feed, from a [FeedPosition] on and by an [EventFilter].
//
// # Operations
//
// [Engine.Health] says how the engine and its store are doing. [Engine.Instances] lists instances; [Engine.Inspect] says where one
// stands, and [Engine.Why] how it got there. [Engine.DeadLetters] lists what could not be delivered, for
// [Engine.RetryDeadLetters] or [Engine.DiscardDeadLetters]. [Engine.PauseWorkflow] stops deliveries for a while. [Retention] says how
// long completed instances are kept, and Config.Telemetry is told what the engine does.
//
// # Errors
//
// [Unavailable], [StoreTimeout] and [ErrOutcomeUnknown] are of the store, [PanicError] and [Stuck] of user code, and [InvalidInput],
// [UniqueKeyConflict] and [InputIDReused] of the input. docs/reference/errors.md lists all of them with what to do.
//
// # What holds, whatever process dies when
//
//   - Two inputs of one instance never decide on the same version.
//   - Events, effects, timers, unique key and completion of a decision, and the consumption of the effect or timer that
//     caused it, are stored together or not at all.
//   - A rejected input changes nothing. Only its outcome is recorded, if it has an id or Config.Observe selects it.
//   - An effect is handled at least once, and its result is applied exactly once. Handlers get a stable idempotency key.
//   - Attempts are counted when a delivery is leased, so one that kills its process still ends as a dead letter.
//
// # The way of an input
//
// The engine is the one door for inputs, whoever sends them: a typed client, the result of an effect, or a timer. Inputs wait
// by instance. A batch takes what is waiting, asks the deciders about the states it remembers or reads, and stores what they say
// in one commit, in which the store checks that the instances are still at the versions that were decided on. From the generated
// client to COMMIT (the rooms of the engine are packages below internal):
//
//	order.Client.Pay → Execute → Engine.execute → Engine.admit → commit.Executor.Submit → dispatcher.run → dispatcher.serve →
//	batch.run → batch.store → unlocked.store → bound.Store.Append → postgres.Store.Append
//
// batch.run asks for each decision on its way, by chain.decide. An input that must not hold up a batch takes the same steps alone, under
// the instance's lock:
//
//	dispatcher.serveApart → Executor.alone → Executor.runAlone → batch.run → batch.store → locked.store → UnitOfWork.Commit
//
// One within a transaction of the caller's takes them there, by Executor.Within, and the caller commits.
//
// docs/architecture.md has the whole house. Package store is the contract of the stores, package workflow the model that generated
// code fills in, and package telemetry what an engine reports. This package has names of its own for what users handle of them.
package runtime
