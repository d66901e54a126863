// Command goals fills in the table of goals in docs/performance.md. It runs the benchmarks that measure them, some fifteen minutes, and
// writes what they found into the columns "after" and "met":
//
//	go run ./bench/goals               run everything
//	go run ./bench/goals -from DIR     take what benchmarks printed with -json into files DIR/*.json
//
// A case that was not measured keeps what it has. The exit code is 1 when a required goal is missed, and 2 when something failed.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/ironflow-gen/ironflow/bench/internal/report"
)

const document = "docs/performance.md"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, out, log io.Writer) int {
	flags := flag.NewFlagSet("goals", flag.ContinueOnError)
	flags.SetOutput(log)
	from := flags.String("from", "", "read *.json in this `folder` instead of running the benchmarks")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	ok, err := update(ctx, *from, out, log)
	switch {
	case err != nil:
		fmt.Fprintln(log, "goals:", err)
		return 2
	case !ok:
		return 1
	}
	return 0
}

// update rewrites the table and prints it. It reports whether no required goal is missed.
func update(ctx context.Context, from string, out, log io.Writer) (bool, error) {
	text, err := os.ReadFile(document)
	if err != nil {
		return false, fmt.Errorf("%w: run it in the root of the repository", err)
	}
	found := make(map[string]measured)
	if from != "" {
		err = read(from, found)
	} else {
		err = measure(ctx, cases(string(text)), found, log)
	}
	if err != nil {
		return false, err
	}
	filled, table, ok := fill(string(text), found)
	fmt.Fprint(out, table)
	return ok, os.WriteFile(document, []byte(filled), 0o644)
}

// measured is what a benchmark prints of a case.
type measured struct {
	Case        string
	Ours, Ratio *float64
}

// benchmarks measure the goals. Each is run in a folder.
var benchmarks = []struct {
	folder  string
	command []string
}{
	{".", []string{"go", "run", "./bench", "-json", "-run"}},
	{"bench/crate", []string{"./run", "-json"}},
	{"bench/peers", []string{"go", "run", ".", "-json"}},
	{".", []string{"go", "run", "./bench/grow", "-json"}},
}

// measure runs the benchmarks, the first of them for these cases only. One that misses a goal or cannot measure is not an error:
// what it does print is taken.
func measure(ctx context.Context, cases []string, found map[string]measured, log io.Writer) error {
	for i, b := range benchmarks {
		args := b.command[1:]
		if i == 0 {
			for j, name := range cases {
				cases[j] = regexp.QuoteMeta(name)
			}
			args = append(args, "^("+strings.Join(cases, "|")+")$")
		}
		command := exec.CommandContext(ctx, b.command[0], args...)
		command.Dir, command.Stderr = b.folder, log
		output, err := command.Output()
		if err := decode(output, found); err != nil {
			return fmt.Errorf("%v: %w", b.command, err)
		}
		if len(output) == 0 {
			fmt.Fprintf(log, "goals: %v measured nothing: %v\n", b.command, err)
		}
	}
	return ctx.Err()
}

func read(folder string, found map[string]measured) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s has no *.json", folder)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err == nil {
			err = decode(text, found)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return err
}

func decode(text []byte, found map[string]measured) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	var list []measured
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	for _, m := range list {
		found[m.Case] = m
	}
	return nil
}

// The columns of the table. The first cell is the name of the case.
const (
	caseColumn = iota
	beforeColumn
	afterColumn
	requiredColumn
	stretchColumn
	metColumn
	limitColumn
	columns
)

const head = "| case | before | after | required | stretch | met | what limits it |"

// fill returns the text with what was found, the table in it, and whether no goal that has a figure is missed.
func fill(text string, found map[string]measured) (filled, table string, ok bool) {
	lines, ok := strings.Split(text, "\n"), true
	for i, line := range lines {
		cells, inTable := row(line)
		if !inTable {
			continue
		}
		if m, known := found[cells[caseColumn]]; known {
			cells[afterColumn], cells[metColumn] = judge(m, cells[requiredColumn], cells[stretchColumn])
			lines[i] = "| " + strings.Join(cells, " | ") + " |"
		}
		ok = ok && cells[metColumn] != missed
		table += lines[i] + "\n"
	}
	return strings.Join(lines, "\n"), head + "\n|---|---|---|---|---|---|---|\n" + table, ok
}

// cases are the names of the cases in the table.
func cases(text string) (names []string) {
	for line := range strings.SplitSeq(text, "\n") {
		if cells, ok := row(line); ok {
			names = append(names, cells[caseColumn])
		}
	}
	return names
}

// row returns the cells of a line of the table: one whose fourth cell is a goal.
func row(line string) ([]string, bool) {
	cells := strings.Split(strings.Trim(line, "|"), "|")
	if len(cells) != columns {
		return nil, false
	}
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells, goal.MatchString(cells[requiredColumn])
}

const missed = "**missed**"

// goal is a sign, a number and a unit: x stands for the ratio to the reference.
var goal = regexp.MustCompile(`^([≤≥]) ([0-9.,]+)( ?\S+)$`)

// judge writes a figure like the goals, and says which of them it reaches.
func judge(m measured, required, stretch string) (figure, verdict string) {
	value := m.Ours
	if strings.HasSuffix(required, "x") {
		value = m.Ratio
	}
	if value == nil {
		return "not measured", missed
	}
	reaches := func(text string) bool {
		parts := goal.FindStringSubmatch(text)
		bound, err := strconv.ParseFloat(strings.ReplaceAll(parts[2], ",", ""), 64)
		return err == nil && (parts[1] == "≤" && *value <= bound || parts[1] == "≥" && *value >= bound)
	}
	figure = report.Number(*value) + goal.FindStringSubmatch(required)[3]
	switch {
	case !reaches(required):
		return figure, missed
	case goal.MatchString(stretch) && reaches(stretch):
		return figure, "stretch"
	default:
		return figure, "yes"
	}
}
