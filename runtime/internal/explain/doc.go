// Package explain answers why: what led to a decision, and what became of what it asked for.
package explain
