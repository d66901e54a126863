package runtime_test

import (
	"strings"
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
	for _, current := range []string{"", "nowhere"} {
		if m.MermaidAt(current) != mermaid || m.DOTAt(current) != dot {
			t.Errorf("%q is marked", current)
		}
	}
	const marked = mermaid + `    classDef current fill:#ffd866,stroke:#8a6d00,color:#000,font-weight:bold
    class end current
`
	if got := m.MermaidAt("end"); got != marked {
		t.Errorf("MermaidAt: got\n%s", got)
	}
	const from, to = `[label="end", peripheries=2]`, `[label="end", peripheries=2, style="rounded,filled", fillcolor="#ffd866", penwidth=2]`
	if got := m.DOTAt("end"); got != strings.Replace(dot, from, to, 1) {
		t.Errorf("DOTAt: got\n%s", got)
	}
	empty := &runtime.Machine{Workflow: "w"}
	if got := empty.Mermaid(); got != "stateDiagram-v2\n" {
		t.Errorf("got %q", got)
	}
}
