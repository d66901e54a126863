package ironflowtest

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	gates "github.com/ironflow-gen/ironflow/runtime/gate"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// HistorySuffix ends the name of a golden history.
const HistorySuffix = ".history.jsonl"

// Histories replays the golden histories in a directory, which are files NAME.history.jsonl, with the code of w. Each file is a subtest. It has
// lines as package transfer writes them, of one or more instances. "ironflow-gen testfrom -history" records one.
//
// A subtest fails if w cannot decode or fold an event, if the events lead to another status or another completion than the recorded one, if w
// cannot decode an effect or a timer that waits, or if it would leave one waiting. It calls no decider and no handler. The test fails if the
// directory has no history. Generated code calls Histories.
func Histories(t *testing.T, dir string, w *workflow.Workflow) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"+HistorySuffix))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no file *%s", dir, HistorySuffix)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), HistorySuffix), func(t *testing.T) {
			var out, errOut bytes.Buffer
			if code := gates.Run(t.Context(), []string{"-read", file}, &out, &errOut, nil, w); code != gates.OK {
				t.Errorf("%s:\n%s%s", file, out.Bytes(), errOut.Bytes())
			}
		})
	}
}
