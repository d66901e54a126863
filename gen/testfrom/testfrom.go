// Package testfrom writes a Go test from the history of an instance: "ironflow-gen testfrom".
package testfrom

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/gen/gospec"
	"github.com/ironflow-gen/ironflow/gen/internal/program"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// Options say which history a test is made of.
type Options struct {
	Store    string   // a connection string of PostgreSQL, a file of SQLite, or a .jsonl file of an export
	Schema   string   // of PostgreSQL; empty for that of the stores
	Instance string   // id
	At       int64    // version to stop at; 0 for before the first event, and a negative one for the newest
	Keep     []string // fields whose texts are not replaced; "*" for all
	Input    string   // what the test gives to the decider, as a JSON object with its name as "type"; empty for the next timer
}

// Test is a test that was made.
type Test struct {
	Name    string // of the file, without directory
	Content []byte
	Events  int
	AsIs    []string // fields of types that this package cannot look into: their values are as in the store
}

// New makes a test from a history of the workflow. dir is that of its package.
func New(ctx context.Context, w *spec.Workflow, dir string, o Options) (*Test, error) {
	text, err := read(ctx, w, dir, o)
	if err != nil {
		return nil, err
	}
	h, err := parse(text, w.Name.Stored(), o)
	if err != nil {
		return nil, err
	}
	if h.given, err = givenInput(o.Input); err != nil {
		return nil, err
	}
	return render(w, dir, h, o)
}

// read returns the lines of an export.
func read(ctx context.Context, w *spec.Workflow, dir string, o Options) ([]byte, error) {
	if strings.HasSuffix(o.Store, ".jsonl") {
		return os.ReadFile(o.Store)
	}
	if _, err := os.Stat(o.Store); err != nil && !program.IsPostgres(o.Store) {
		return nil, fmt.Errorf("%w; -store takes postgres://..., a file of SQLite, or a .jsonl file that was exported", err)
	}
	module := gospec.ModuleDir(dir)
	if module == "" {
		return nil, fmt.Errorf("%s is in no Go module", dir)
	}
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = program.Run(ctx, program.Source{Main: exportProgram(o.Store, o.Schema), Module: module}, here, []string{o.Store, w.Name.Stored(), o.Instance}, &out)
	return out.Bytes(), err
}

// history is what the lines say of one instance.
type history struct {
	version int64
	events  []event
	timers  []timer
	next    time.Time // when the event after the last one was recorded; zero for none
	given   *input    // that the test gives to the decider; nil for the next timer
}

// input is an input of the instance.
type input struct {
	name    string
	payload json.RawMessage
}

// givenInput reads Options.Input.
func givenInput(text string) (*input, error) {
	if text == "" {
		return nil, nil
	}
	var fields map[string]json.RawMessage
	var name string
	err := json.Unmarshal([]byte(text), &fields)
	if err == nil {
		err = json.Unmarshal(fields["type"], &name)
	}
	if err != nil || name == "" {
		return nil, fmt.Errorf(`the input %s is no JSON object whose member "type" names an input, as in {"type":"Pay","amount_cents":700}`, text)
	}
	return &input{name, json.RawMessage(text)}, nil
}

type event struct {
	Version       int64           `json:"version"`
	Type          string          `json:"type"`
	SchemaVersion int             `json:"schema_version"`
	RecordedAt    time.Time       `json:"recorded_at"`
	Status        string          `json:"status"` // of the last event of a decision
	Payload       json.RawMessage `json:"payload"`
}

type timer struct {
	Key       string          `json:"key"`
	Kind      string          `json:"kind"` // the input
	Due       time.Time       `json:"due_at"`
	LastError string          `json:"last_error"`
	Payload   json.RawMessage `json:"payload"`
}

// parse finds the instance in the lines of an export.
func parse(text []byte, workflow string, o Options) (*history, error) {
	var h *history
	found := false
	lines := json.NewDecoder(bytes.NewReader(text))
	for n := 1; ; n++ {
		var line struct {
			Instance *struct {
				Workflow, ID string
			} `json:"instance"`
			Event *event `json:"event"`
			Timer *timer `json:"timer"`
		}
		switch err := lines.Decode(&line); {
		case errors.Is(err, io.EOF):
			return cut(h, workflow, o)
		case err != nil:
			return nil, fmt.Errorf("line %d of the export: %w", n, err)
		}
		switch {
		case line.Instance != nil:
			if found = line.Instance.Workflow == workflow && line.Instance.ID == o.Instance; found {
				h = &history{}
			}
		case !found:
		case line.Event != nil:
			h.events = append(h.events, *line.Event)
			h.version = line.Event.Version
		case line.Timer != nil:
			h.timers = append(h.timers, *line.Timer)
		}
	}
}

// cut leaves out what came after the version that is asked for.
func cut(h *history, workflow string, o Options) (*history, error) {
	none := h == nil || len(h.events) == 0
	switch {
	case none && o.At == 0:
		return &history{}, nil
	case none:
		return nil, fmt.Errorf("%s/%s: no such instance in this store", workflow, o.Instance)
	case o.At < 0 || o.At == h.version:
		return h, nil
	case o.At > h.version:
		return nil, fmt.Errorf("%s/%s has no version %d: it is at version %d", workflow, o.Instance, o.At, h.version)
	}
	h.timers = nil // they are those of the newest version
	next := slices.IndexFunc(h.events, func(e event) bool { return e.Version > o.At })
	h.events, h.version, h.next = h.events[:next], o.At, h.events[next].RecordedAt
	return h, nil
}

// fileName returns the name of the file for a test of an instance.
func fileName(id string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '_'
	}, id)
	return "history_" + name[:min(len(name), 60)] + "_test.go"
}

// hasKit reports whether a test file of the package declares the variable kit.
func hasKit(dir string) bool {
	files, _ := filepath.Glob(filepath.Join(dir, "*_test.go"))
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err == nil && kitVariable.Match(content) {
			return true
		}
	}
	return false
}
