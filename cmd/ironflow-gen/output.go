package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"slices"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/generate"
	"github.com/ironflow-gen/ironflow/internal/terminal"
)

// output is how a command reports diagnostics.
type output struct {
	json  bool
	color string // auto, always or never
}

// colorValues are what -color can be.
var colorValues = []string{"auto", "always", "never"}

func (o *output) addFlags(flags *flag.FlagSet) {
	o.color = "auto"
	flags.BoolVar(&o.json, "json", false, "print one JSON document to standard output, for editors and other programs")
	flags.Func("color", "`when` to use colours: always, never, or auto, which means on a terminal unless NO_COLOR is set",
		func(when string) error {
			if !slices.Contains(colorValues, when) {
				return fmt.Errorf("it is auto, always or never")
			}
			o.color = when
			return nil
		})
}

// printer returns a printer of diagnostics to a stream: with snippets on a terminal, without them for programs.
func (o output) printer(w io.Writer) diagnostic.Printer {
	seen := terminal.Is(w)
	p := diagnostic.Printer{Out: w, Width: min(terminal.Width(w), 160), Snippets: seen || o.color == "always"}
	p.Color = o.color == "always" || o.color == "auto" && seen && terminal.Colours()
	return p
}

// failed prints an error, which may be diagnostics, another error, or both.
func (c call) failed(err error) int {
	if c.output.json {
		return c.printJSON(nil, err)
	}
	list, others := diagnostic.Split(err)
	p := c.output.printer(c.errOut)
	if err := p.Print(list); err != nil {
		return exitFailed // standard output is closed
	}
	for _, other := range others {
		fmt.Fprintln(c.errOut, other)
	}
	return exitFailed
}

// document is what -json prints, on one line. Later versions only add fields.
type document struct {
	Version     int               `json:"version"`
	Diagnostics []diagnostic.JSON `json:"diagnostics"`
	Errors      []string          `json:"errors,omitempty"`  // errors without a place in a file
	Files       []fileJSON        `json:"files,omitempty"`   // what was done, or would be done, with files
	Missing     []missingJSON     `json:"missing,omitempty"` // methods that are missing in the user's files
}

type fileJSON struct {
	Path   string `json:"path"`
	Action string `json:"action"`
	Note   string `json:"note,omitempty"`
}

type missingJSON struct {
	Type    string   `json:"type"`
	Methods []string `json:"methods"`
	File    string   `json:"file"` // the file to whose end the stubs belong
	New     bool     `json:"new"`  // the file does not exist yet
	Stubs   string   `json:"stubs"`
}

// printJSON prints the plan and the error of a command, which may be nil, and returns the exit code.
func (c call) printJSON(plan *generate.Plan, err error) int {
	return c.printDocument(err, func(doc *document) {
		if plan == nil {
			return
		}
		for _, step := range plan.Steps {
			doc.Files = append(doc.Files, fileJSON{step.Path, step.Action.String(), step.Note})
		}
		for _, m := range plan.Missing {
			doc.Missing = append(doc.Missing, missingJSON{m.Type, m.Methods, m.File, m.New, string(m.Stubs)})
		}
	})
}

// printDocument prints the document of an error with the fields that add sets, and returns the exit code of the error.
func (c call) printDocument(err error, add func(*document)) int {
	list, others := diagnostic.Split(err)
	doc := document{Version: 1, Diagnostics: list.JSON(nil)}
	for _, other := range others {
		doc.Errors = append(doc.Errors, other.Error())
	}
	add(&doc)
	encoder := json.NewEncoder(c.out)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(doc) != nil || len(others) > 0 || list.Failed() {
		return exitFailed
	}
	return exitOK
}
