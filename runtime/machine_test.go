package runtime_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

func TestDiagrams(t *testing.T) {
	t.Parallel()
	m := &workflow.Machine{
		Workflow: `a "quoted" one`,
		States: []workflow.MachineState{
			{Name: "start", Accepts: []workflow.Transition{
				{Input: "Go", Events: []workflow.EventMove{{Event: "Went", To: "start"}, {Event: "Left", To: "end"}}, Effects: []string{"Ring"}, Timers: []string{"own"}},
				{Input: "Stop", Reject: "No"},
			}},
			{Name: "end", Terminal: true},
		},
	}
	m.Timers = []workflow.MachineTimer{
		{Name: "limit", Input: "Stop", After: 30 * time.Minute, While: []string{"start"}},
		{Name: "often", Input: "Go", Schedule: "@daily", While: []string{"start"}},
		{Name: "own", Input: "Go", After: time.Hour},
	}
	const mermaid = `stateDiagram-v2
    state "start<br/>after 30m#58; Stop<br/>at @daily#58; Go" as s0
    state "end" as s1
    [*] --> s0
    s0 --> s0: Go → Went<br/>+ Ring, timer own
    s0 --> s1: Go → Left<br/>+ Ring, timer own
    s1 --> [*]
`
	if got := m.Mermaid(); got != mermaid {
		t.Errorf("Mermaid: got\n%s", got)
	}
	dot := m.DOT()
	for _, want := range []string{
		`digraph "a \"quoted\" one" {`, `s0 [label="start\nafter 30m: Stop\nat @daily: Go"]`, `s0 -> s1 [label="Go → Left\n+ Ring, timer own"]`,
	} {
		if !strings.Contains(dot, want) {
			t.Errorf("DOT: got\n%s\nwant %s in it", dot, want)
		}
	}
	for _, current := range []string{"", "nowhere"} {
		if m.MermaidAt(current) != mermaid || m.DOTAt(current) != dot {
			t.Errorf("%q is marked", current)
		}
	}
	const marked = mermaid + `    classDef current fill:#ffd866,stroke:#8a6d00,color:#000,font-weight:bold
    class s1 current
`
	if got := m.MermaidAt("end"); got != marked {
		t.Errorf("MermaidAt: got\n%s", got)
	}
	const from, to = `[label="end", peripheries=2]`, `[label="end", peripheries=2, style="rounded,filled", fillcolor="#ffd866", penwidth=2]`
	if got := m.DOTAt("end"); got != strings.Replace(dot, from, to, 1) || got == dot {
		t.Errorf("DOTAt: got\n%s", got)
	}
	empty := &workflow.Machine{Workflow: "w"}
	if got := empty.Mermaid(); got != "stateDiagram-v2\n" {
		t.Errorf("got %q", got)
	}
}
