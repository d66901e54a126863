package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/gen/testfrom"
)

func testfromCommand() command {
	return command{
		name:    "testfrom",
		args:    "[path] id",
		summary: "write a test from the history of an instance",
		details: `
Reads the history of an instance from a store, and writes a Go test that replays it with the code that is here. What fails in
production fails in the test: a history that cannot be replayed, and a timer that the decider cannot take. The path is a
declaration or its directory; without one it is the current directory.

Texts are replaced before anything is written, and equal texts stay equal. Numbers, times, decimals and enums stay, because
decisions depend on them.

With -input the test gives this input to the decider in place of the next timer, as when a client's input or the result of an
effect went wrong. The input is a JSON object with its name as "type". With -at, it comes at the time at which the next version
was recorded; with -at 0, it is the first input of the instance.

With -history it writes a golden history instead: the stored lines of the instance, to testdata/ID.history.jsonl in the package.
After that, "ironflow-gen generate" adds a test that replays all golden histories of the package.

The store is read by a program that is built in the module of the path. It only reads, but a file of SQLite from an older version
gets its tables brought up to date, as by every program that opens it; take a copy if it must not change. A file that ends in
.jsonl is an export.

Examples:
  ironflow-gen testfrom -store postgres://app@db/shop o-1
  ironflow-gen testfrom -store orders.db -at 3 ./order o-1
  ironflow-gen testfrom -store orders.db -at 1 -input '{"type":"Pay","amount_cents":700}' ./order o-1
  ironflow-gen testfrom -history -store orders.db ./order o-1
  ironflow-gen testfrom -store export.jsonl -keep reason -o - o-1
`,
		docs:      []string{"guide/testing.md"},
		diagnoses: true,
		setup: func(flags *flag.FlagSet) func(call) int {
			var o testfrom.Options
			flags.StringVar(&o.Store, "store", "", "the `store`: postgres://..., a file of SQLite, or a .jsonl file of an export")
			flags.StringVar(&o.Schema, "schema", "", "the `schema` of the tables in PostgreSQL; default ironflow")
			at := flags.String("at", "", "stop at this `version`; default the newest, and 0 for before the first event")
			flags.StringVar(&o.Input, "input", "", "the `JSON` of an input that the test gives to the decider")
			keep := flags.String("keep", "", "`fields` whose texts are not replaced, by comma; * for all")
			history := flags.Bool("history", false, "write a golden history")
			output := flags.String("o", "", "the `file` to write, - for standard output; default history_ID_test.go in the package, or testdata/ID.history.jsonl")
			return func(c call) int {
				if *keep != "" {
					o.Keep = strings.Split(*keep, ",")
				}
				o.At = newest
				if *at != "" {
					var err error
					if o.At, err = strconv.ParseInt(*at, 10, 64); err != nil || o.At < 0 {
						return c.usageError("-at %s is no version: they count from 1", *at)
					}
				}
				return runTestfrom(c, o, *history, *output)
			}
		},
	}
}

// newest is the version of an instance as it is.
const newest = -1

func runTestfrom(c call, o testfrom.Options, history bool, output string) int {
	switch {
	case o.Store == "":
		return c.usageError("say -store: where the instance is")
	case o.At == 0 && o.Input == "":
		return c.usageError("-at 0 is a new instance: say with -input what comes first")
	case history && o.Input != "":
		return c.usageError("-input is for a test; a golden history has what is stored")
	case len(c.args) == 0:
		return c.usageError("name the instance: its id")
	}
	last := len(c.args) - 1
	o.Instance, c.args = c.args[last], c.args[:last]
	w, exit := c.load("testfrom reads one declaration at a time")
	if w == nil {
		return exit
	}
	dir := filepath.Dir(w.File)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	made, err := recorded(ctx, w, dir, o, history)
	if err != nil {
		return c.failed(err)
	}
	if output == "" {
		output = made.file
		if _, err := os.Lstat(output); err == nil {
			return c.failed(fmt.Errorf("%s exists; delete it, or name another file with -o", output))
		} else if !errors.Is(err, os.ErrNotExist) {
			return c.failed(err)
		}
		if err := os.MkdirAll(filepath.Dir(output), 0o755); err != nil {
			return c.failed(err)
		}
	}
	if exit := c.write(output, made.content); exit != exitOK || output == "-" {
		return exit
	}
	fmt.Fprintf(c.out, "wrote %s: %d events\n", output, made.events)
	if len(made.asIs) > 0 {
		fmt.Fprintf(c.out, "Look at the values of %s before you commit them: they are as in the store.\n", strings.Join(made.asIs, ", "))
	}
	return exitOK
}

// recording is a test or a golden history.
type recording struct {
	file    string // where it goes by default
	content []byte
	events  int
	asIs    []string
}

func recorded(ctx context.Context, w *spec.Workflow, dir string, o testfrom.Options, history bool) (recording, error) {
	if history {
		h, err := testfrom.NewHistory(ctx, w, dir, o)
		if err != nil {
			return recording{}, err
		}
		return recording{filepath.Join(dir, "testdata", h.Name), h.Content, h.Events, h.AsIs}, nil
	}
	test, err := testfrom.New(ctx, w, dir, o)
	if err != nil {
		return recording{}, err
	}
	return recording{filepath.Join(dir, test.Name), test.Content, test.Events, test.AsIs}, nil
}
