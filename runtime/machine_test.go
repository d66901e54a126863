package runtime_test

import (
	"testing"

	"github.com/ironflow-gen/ironflow/runtime"
)

func TestDiagrams(t *testing.T) {
	t.Parallel()
	m := &runtime.Machine{
		Workflow: `a "quoted" one`,
		States: []runtime.MachineState{
			{Name: "start", Accepts: []runtime.Transition{
				{Input: "Go", Events: []runtime.EventMove{{Event: "Went", To: "start"}, {Event: "Left", To: "end"}}},
				{Input: "Stop", Reject: "No"},
			}},
			{Name: "end", Terminal: true},
		},
	}
	const mermaid = `stateDiagram-v2
    [*] --> start
    start --> start: Go / Went
    start --> end: Go / Left
    end --> [*]
`
	if got := m.Mermaid(); got != mermaid {
		t.Errorf("Mermaid: got\n%s", got)
	}
	const dot = `digraph "a \"quoted\" one" {
    rankdir=LR;
    node [shape=box, style=rounded];
    start [shape=point, label=""];
    start -> "state start";
    "state start" [label="start"];
    "state end" [label="end", peripheries=2];
    "state start" -> "state start" [label="Go / Went"];
    "state start" -> "state end" [label="Go / Left"];
}
`
	if got := m.DOT(); got != dot {
		t.Errorf("DOT: got\n%s", got)
	}
	empty := &runtime.Machine{Workflow: "w"}
	if got := empty.Mermaid(); got != "stateDiagram-v2\n" {
		t.Errorf("got %q", got)
	}
}
