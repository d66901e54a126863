// Package workflow is the model that generated code fills in: a workflow's definition, its decisions, its state machine, its
// timers and recurring inputs, and the outcomes of its inputs. [Define] makes a [Workflow] from a [Definition]. The engine and
// tests use it through [Erased].
//
// The package is pure: it calls user code and codecs, but does no input or output. Time is a parameter, and nothing is stored.
package workflow
