// Package workflow is the model that generated code fills in: a workflow's definition, its decisions, its state machine, its timers
// and recurring inputs, and the outcomes of its inputs. [Define] makes a [Workflow] of a [Definition]; [Erased] is what the engine,
// or a test, asks of it.
//
// The package is pure. It calls user code and the codecs, and does no input or output: time is a parameter, and nothing is stored here.
package workflow
