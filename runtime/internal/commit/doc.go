// Package commit is the one way of inputs into the store. Inputs wait by instance. A batch takes those that wait, asks their
// deciders about states that it remembers or reads, and stores what follows in one commit. An [Executor] is the door: [Executor.Submit]
// takes a [Request] and returns its [Result].
package commit
