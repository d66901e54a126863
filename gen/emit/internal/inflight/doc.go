// Package inflight tests, with generated code of several versions of a declaration, that what is in flight is read after a rollout.
package inflight
