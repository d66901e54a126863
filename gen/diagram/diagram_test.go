package diagram_test

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/diagram"
	"github.com/ironflow-gen/ironflow/gen/internal/randomspec"
	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

func parse(t *testing.T, file string) *spec.Workflow {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w, err := yamlspec.Parse(file, src)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestDraw compares the drawings of a machine with loops, ways back, long names and timers. A change of the picture is to be
// looked at.
func TestDraw(t *testing.T) {
	w := parse(t, "testdata/claim.ironflow.yaml")
	for _, format := range diagram.Formats() {
		got, err := diagram.Draw(w, format)
		if err != nil {
			t.Fatal(err)
		}
		golden := "testdata/claim." + format
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s differs; got:\n%s", golden, got)
		}
	}
	if _, err := diagram.Draw(w, "png"); err == nil {
		t.Error("a format that is not known gives no error")
	}
}

func TestNoStates(t *testing.T) {
	w := parse(t, "testdata/claim.ironflow.yaml")
	w.States = nil
	for _, format := range diagram.Formats() {
		if _, err := diagram.Draw(w, format); !errors.Is(err, diagram.ErrNoStates) {
			t.Errorf("%s gives %v", format, err)
		}
	}
}

// TestRandom draws random machines: each state and each input and event of a transition must be in all pictures, and the
// SVG must be XML.
func TestRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	drawn := 0
	for drawn < 60 {
		w, err := yamlspec.Parse("random.yaml", []byte(randomspec.YAML(r, "random")))
		if err != nil {
			t.Fatal(err)
		}
		if !w.HasStates() {
			continue
		}
		drawn++
		for _, format := range diagram.Formats() {
			got, err := diagram.Draw(w, format)
			if err != nil {
				t.Fatal(err)
			}
			text := string(got)
			if format == "svg" {
				checkXML(t, text)
			}
			text = strings.NewReplacer("#95;", "_", `\n`, "\n").Replace(text)
			for _, s := range w.States {
				contains(t, format, text, s.Name.Text)
				for _, tr := range s.Accepts {
					for _, m := range tr.Moves {
						contains(t, format, text, m.Event.Text)
						contains(t, format, text, tr.Input.Text)
					}
				}
			}
		}
	}
}

func contains(t *testing.T, format, text, name string) {
	t.Helper()
	if !regexp.MustCompile(`\b` + name + `\b`).MatchString(text) {
		t.Fatalf("%s is not in the %s:\n%s", name, format, text)
	}
}

func checkXML(t *testing.T, text string) {
	t.Helper()
	for decoder := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := decoder.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("%v in:\n%s", err, text)
		}
	}
}
