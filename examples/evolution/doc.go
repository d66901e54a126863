// Package evolution shows a workflow that is changed while its instances live.
//
// Package v1 is the program that is in use. Package v2 gives other names to a field of an event, to a field of an effect and to the input of a
// timer, and adds a field to an event. The directories below testdata make the same four changes without a word of what is stored; "ironflow-gen
// breaking" refuses each. The test kills v1 in the middle of its work and lets v2 finish it, while another v1 still runs.
package evolution
