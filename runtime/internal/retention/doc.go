// Package retention deletes completed instances and other records once they are older than they are to be kept. Of all processes on a
// store, one at a time does each task: it claims the task as a chore of the store. How far all projections have read comes from above.
package retention
