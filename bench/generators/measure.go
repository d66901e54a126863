package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/ironflow-gen/ironflow/bench/internal/report"
)

// command is one to run in a directory of the module.
type command struct {
	dir  string
	args []string // the first is the command's name
}

// taken is what something took: by the clock, and of processors. The latter is not known of what runs within this process.
type taken struct{ wall, cpu time.Duration }

// exec runs a command. Its processor time has that of the commands that it ran in turn.
func (w *workspace) exec(ctx context.Context, c command) (taken, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(w.bin, c.args[0]), c.args[1:]...)
	cmd.Dir = filepath.Join(w.dir, filepath.FromSlash(c.dir))
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	began := time.Now()
	err := cmd.Run()
	wall := time.Since(began)
	if err != nil {
		return taken{}, fmt.Errorf("%v: %w\n%s", c.args, err, output.Bytes())
	}
	return taken{wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}, nil
}

// once removes what an entrant has generated, and has it generate all anew.
func (e entrant) once(ctx context.Context) (taken, error) {
	generated, err := e.generated()
	if err != nil {
		return taken{}, err
	}
	for _, file := range generated {
		if err := os.Remove(file); err != nil {
			return taken{}, err
		}
	}
	if e.generate != nil {
		began := time.Now()
		err := e.generate()
		return taken{wall: time.Since(began)}, err
	}
	var sum taken
	for _, c := range e.commands {
		one, err := e.work.exec(ctx, c)
		if err != nil {
			return taken{}, err
		}
		sum.wall += one.wall
		sum.cpu += one.cpu
	}
	return sum, nil
}

// generated lists the files that an entrant generates and that are there.
func (e entrant) generated() ([]string, error) {
	var list []string
	for _, name := range names(e.packages) {
		dir := filepath.Join(e.work.dir, e.dir, name)
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			if e.isGenerated(entry.Name()) {
				list = append(list, filepath.Join(dir, entry.Name()))
			}
		}
	}
	return list, nil
}

// lines counts those of what an entrant has generated.
func (e entrant) lines() (int, error) {
	generated, err := e.generated()
	lines := 0
	for _, file := range generated {
		content, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		lines += bytes.Count(content, []byte("\n"))
	}
	return lines, err
}

// measure lets all run in turn, a first round that does not count and then some that do, and returns the medians in
// milliseconds and the lines that each wrote. A run that writes something else than the first counts as none.
func measure(ctx context.Context, contest []entrant, rounds int, log io.Writer) (map[string]float64, error) {
	samples := make(map[string][]float64)
	figures := make(map[string]float64)
	for round := range rounds + 1 {
		for _, e := range contest {
			took, err := e.once(ctx)
			if err != nil {
				return nil, err
			}
			if e.generate == nil {
				lines, err := e.lines()
				if err != nil {
					return nil, err
				}
				name := figure(e.name, e.packages, "lines")
				if round == 0 {
					figures[name] = float64(lines)
				}
				if lines == 0 || float64(lines) != figures[name] {
					return nil, fmt.Errorf("%s, %s wrote %d lines, and before %v", e.name, count(e.packages), lines, figures[name])
				}
			}
			fmt.Fprintf(log, "round %d, %s, %s: %v, processor %v\n", round, e.name, count(e.packages), took.wall, took.cpu)
			if round == 0 {
				continue
			}
			add := func(what string, d time.Duration) {
				name := figure(e.name, e.packages, what)
				samples[name] = append(samples[name], d.Seconds()*1000)
			}
			add("wall", took.wall)
			if e.generate == nil {
				add("cpu", took.cpu)
			}
		}
	}
	for name, values := range samples {
		figures[name] = report.Median(values)
	}
	return figures, nil
}

// printEntrants prints what each took and wrote.
func printEntrants(out io.Writer, contest []entrant, figures map[string]float64) error {
	cells := [][]string{{"generator", "packages", "wall", "processor", "lines", "processor, 1,000 lines", ""}}
	for _, e := range contest {
		if e.generate != nil {
			continue
		}
		get := func(what string) float64 { return figures[figure(e.name, e.packages, what)] }
		cells = append(cells, []string{e.name, fmt.Sprint(e.packages), report.Number(get("wall")) + " ms", report.Number(get("cpu")) + " ms",
			report.Number(get("lines")), report.Number(get("cpu")/get("lines")*1000) + " ms", ""})
	}
	return report.Columns(out, cells)
}
