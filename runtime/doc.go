// Package runtime runs ironflow workflows: event-sourced, durable state machines for which ironflow-gen generates code.
//
// A workflow is a pure function and a fold. Its decider answers an input with events, effects and timers, or with a
// rejection; its evolver folds events into state.
//
// # Engine
//
// [NewEngine] makes an [Engine] from a [Store], a [Config] and the [Workflow] values that generated NewWorkflow functions return.
// The engine accepts inputs at once. [Engine.Run] delivers effects and timers, and runs projections. Any number of engines, in
// any number of processes, may share a store.
//
// # Inputs and outcomes
//
// Generated clients call [Execute] with an input and return an [Outcome]: accepted with events, rejected, or too late. Its
// options are [WithInputID], which makes it safe to send an input again, [Within], which decides in a transaction of the caller,
// and [WithTrace]. Clients read a [View] of the state with [LoadState] and [LoadStateAt], and the history with [LoadHistory].
// [Engine.ExecuteDynamic], [Engine.StateDynamic] and [Engine.HistoryDynamic] do the same with JSON, for programs without the
// generated types.
//
// # Effects
//
// A handler gets an effect and an [EffectCall] with an idempotency key, and returns an input or an error. After an error the
// effect is tried again as its [RetryPolicy] says, unless the handler returns [Permanent], [RetryAfter] or [Snooze].
//
// # Projections and the feed
//
// A [Projection] writes rows from the events of all instances, each event exactly once. [Config].Projections lists those of an
// engine; [Engine.Projections], [Engine.RebuildProjection] and [Engine.AwaitProjection] are some of the methods for them.
// [Engine.EventsSince] and [Engine.Subscribe] read the feed after a [FeedPosition], with an [EventFilter].
//
// # Operations
//
// [Engine.Health] has figures about the engine and its store. [Engine.Instances] lists instances; [Engine.Inspect] describes one,
// and [Engine.Why] explains how it got there. [Engine.DeadLetters] lists effects and timers whose attempts have all failed, for
// [Engine.RetryDeadLetters] or [Engine.DiscardDeadLetters]. [Engine.PauseWorkflow] stops deliveries until
// [Engine.ResumeWorkflow]. [Retention] says how long completed instances are kept. Config.Telemetry receives reports of what the
// engine does.
//
// # Errors
//
// [Unavailable], [StoreTimeout] and [ErrOutcomeUnknown] are errors of the store, [PanicError] and [Stuck] of user code, and
// [InvalidInput], [UniqueKeyConflict] and [InputIDReused] of the input. docs/reference/errors.md lists them and says what to do.
//
// # Guarantees
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
// All inputs enter by the engine, whether a typed client sends them, a handler returns them, or a timer delivers them. Inputs wait by
// instance. A batch takes the waiting inputs and asks the deciders, with states from the cache or the store. It stores all decisions in
// one commit, in which the store checks that the instances are still at the versions that were decided on. These are the functions from
// the generated client to COMMIT; packages that are not named elsewhere are below internal:
//
//	order.Client.Pay → Execute → Engine.execute → Engine.admit → commit.Executor.Submit → dispatcher.run → dispatcher.serve →
//	batch.run → batch.store → unlocked.store → bound.Store.Append → postgres.Store.Append
//
// batch.run calls chain.decide for each decision. An input that must not hold up a batch takes the same steps alone, under the
// lock of its instance:
//
//	dispatcher.serveApart → Executor.alone → Executor.runAlone → batch.run → batch.store → locked.store → UnitOfWork.Commit
//
// With the option Within, Executor.Within takes these steps in the caller's transaction, and the caller commits.
//
// docs/architecture.md describes all parts. Package store is the contract between the engine and the stores, package workflow the
// model that generated code fills in, and package telemetry defines the reports of an engine. For the types of them that users
// need, this package has aliases.
package runtime
