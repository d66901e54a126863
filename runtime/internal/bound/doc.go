// Package bound puts a limit on every call to a store. [Store] wraps a store so that no call lasts longer than the limit, even when
// the store ignores its context, and a new method of the contract does not compile until it is wrapped.
package bound
