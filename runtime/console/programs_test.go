package console_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/console"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// record stores that a program describes workflows in some way.
func (s shop) record(p store.Program, workflows ...workflow.WorkflowManifest) {
	s.Helper()
	text, digest := (&workflow.Manifest{Workflows: workflows}).Encode()
	p.Digest = digest
	if err := s.store.(store.Programs).RecordProgram(s.Context(), p, text); err != nil {
		s.Fatal(err)
	}
}

// The page Programs says what two running programs declare in different ways, and nothing of one that has stopped.
func TestDifferingPrograms(t *testing.T) {
	t.Parallel()
	onStores(t, func(s shop) {
		now := store.StoredTime(time.Now())
		older := store.Program{Process: "old " + hostile, Version: "v1", StartedAt: now.Add(-time.Hour), SeenAt: now, Until: now.Add(time.Hour)}
		newer := store.Program{Process: "new", Version: "v2", StartedAt: now.Add(-time.Minute), SeenAt: now, Until: now.Add(time.Hour)}
		s.record(older, workflow.WorkflowManifest{Name: "cart", Inputs: []string{"Add"}, Search: []string{"colour"}})
		s.record(newer, workflow.WorkflowManifest{Name: "cart", Inputs: []string{"Add", "Empty"}})
		viewer := s.as(console.Viewer, false)
		_, body := s.get(viewer, "/programs")
		for _, want := range []string{
			">cart</a>: two programs declare it in different ways", "Newer: new, version v2. Older: old &lt;script&gt;",
			`>input Empty: only the newer program has it</th><td data-label="Class">waits</td><td data-label="What it means while both run" class="text">Effects and timers that bring it wait for the newer program.</td>`,
			`>search field colour: only the older program has it</th><td data-label="Class">differs</td>`,
		} {
			if !strings.Contains(body, want) {
				s.Errorf("%q is not on the page:\n%s", want, body)
			}
		}
		if strings.Contains(body, "<script>alert") || strings.Contains(body, "\u202e") {
			s.Errorf("a name is taken for markup:\n%s", body)
		}
		older.StoppedAt = now
		s.record(older, workflow.WorkflowManifest{Name: "cart", Inputs: []string{"Add"}, Search: []string{"colour"}})
		if _, body := s.get(viewer, "/programs"); strings.Contains(body, "different ways") || !strings.Contains(body, ">stopped</td>") {
			s.Errorf("when the older one has stopped:\n%s", body)
		}
	})
}

// Many programs are not all listed, and the pages say so.
func TestManyPrograms(t *testing.T) {
	t.Parallel()
	s := newShop(t, memory.New())
	now := store.StoredTime(time.Now())
	for i := range 150 {
		s.record(store.Program{Process: fmt.Sprint("worker-", i), StartedAt: now, SeenAt: now, Until: now.Add(time.Hour)}, workflow.WorkflowManifest{Name: "cart"})
	}
	for address, want := range map[string]string{"/programs": "And 51 more", "/": "And 130 more"} {
		if _, body := s.get(s.as(console.Viewer, false), address); !strings.Contains(body, want) || len(body) > 60_000 {
			t.Errorf("%s has %d bytes, and %q is not on it:\n%s", address, len(body), want, body)
		}
	}
}
