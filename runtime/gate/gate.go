// Package gate is the main program that "ironflow-gen gate" builds from a package of workflows. It verifies a store with the code of that package,
// and finds out whether an older program could read what the newer one writes. A program of yours may call [Run] with its own workflows.
package gate

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/transfer"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// The exit codes of Run.
const (
	OK       = 0
	Problems = 1 // the program cannot read something, or would leave something waiting
	Failed   = 2 // the store could not be read, or the arguments are wrong
)

// Open opens the store of -store for reading. The function that it returns closes the store.
type Open func(ctx context.Context, name string) (store.Store, func() error, error)

// Main runs Run with the arguments of the process, and ends it with the exit code. An interrupt ends the verification.
func Main(open Open, workflows ...*workflow.Workflow) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := Run(ctx, os.Args[1:], os.Stdout, os.Stderr, open, workflows...)
	stop()
	os.Exit(code)
}

// Run does what the arguments ask for, and returns an exit code:
//
//	-store NAME     verify the instances of the workflows in a store, see Engine.Verify
//	-samples FILE   write sample instances of the workflows, as this program stores events
//	-read FILE      verify the instances of such a file
//	-json           print the verification as JSON
//	-progress       say every few seconds on errOut how far the verification is
//
// The verification goes to out. Only instances of the given workflows are read, and a store is never written to.
func Run(ctx context.Context, args []string, out, errOut io.Writer, open Open, workflows ...*workflow.Workflow) int {
	flags := flag.NewFlagSet("gate", flag.ContinueOnError)
	flags.SetOutput(errOut)
	g := gate{errOut: errOut, open: open, workflows: workflows}
	flags.StringVar(&g.store, "store", "", "the store to verify")
	flags.StringVar(&g.samples, "samples", "", "the file to write sample instances to")
	flags.StringVar(&g.read, "read", "", "the file of sample instances to verify")
	flags.BoolVar(&g.progress, "progress", false, "say how far the verification is")
	asJSON := flags.Bool("json", false, "print JSON")
	if err := flags.Parse(args); err != nil {
		return Failed
	}
	found, err := g.run(ctx)
	if err != nil {
		fmt.Fprintln(errOut, "gate:", err)
		return Failed
	}
	if found == nil {
		return OK
	}
	if *asJSON {
		text, err := json.MarshalIndent(found, "", "  ")
		if err != nil {
			fmt.Fprintln(errOut, "gate:", err)
			return Failed
		}
		fmt.Fprintf(out, "%s\n", text)
	} else {
		fmt.Fprintln(out, found)
	}
	if !found.OK() {
		return Problems
	}
	return OK
}

type gate struct {
	errOut               io.Writer
	open                 Open
	workflows            []*workflow.Workflow
	store, samples, read string
	progress             bool
}

func (g *gate) run(ctx context.Context) (*telemetry.Verification, error) {
	switch {
	case g.samples != "":
		return nil, g.writeSamples()
	case g.read != "":
		file, err := os.Open(g.read)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		st := memory.New()
		if _, err := transfer.Import(ctx, st, file, transfer.ImportOptions{}); err != nil {
			return nil, err
		}
		return g.verify(ctx, st)
	case g.store != "":
		st, closeStore, err := g.open(ctx, g.store)
		if err != nil {
			return nil, err
		}
		found, err := g.verify(ctx, st)
		return found, errors.Join(err, closeStore())
	}
	return nil, errors.New("name what to verify: -store, or -read")
}

func (g *gate) writeSamples() error {
	file, err := os.Create(g.samples)
	if err != nil {
		return err
	}
	for _, w := range g.workflows {
		if err := w.Err(); err != nil {
			return errors.Join(err, file.Close())
		}
		for i, instance := range w.Samples() {
			var err error
			if i == 0 {
				instance.Outcomes, err = commit.SampleOutcomes(w, &instance)
			}
			if err = errors.Join(err, transfer.Write(file, instance)); err != nil {
				return errors.Join(err, file.Close())
			}
		}
	}
	return file.Close()
}

// progressEvery is how often the progress is told.
const progressEvery = 5 * time.Second

func (g *gate) verify(ctx context.Context, st store.Store) (*telemetry.Verification, error) {
	engine, err := runtime.NewEngine(st, runtime.Config{Logger: slog.New(slog.NewTextHandler(g.errOut, nil)), External: g.external()}, g.workflows...)
	if err != nil {
		return nil, err
	}
	var all telemetry.Verification
	for _, w := range g.workflows {
		options := runtime.VerifyOptions{Filter: runtime.InstanceFilter{Workflow: w.Name()}}
		if g.progress {
			told := time.Now()
			options.Progress = func(so telemetry.Verification) {
				if time.Since(told) > progressEvery {
					told = time.Now()
					fmt.Fprintf(g.errOut, "%s: %d instances, %d events\n", w.Name(), so.Instances, so.Events)
				}
			}
		}
		found, err := engine.Verify(ctx, options)
		if err != nil {
			return nil, err
		}
		all.Merge(&found)
	}
	all.Complete = true
	return &all, nil
}

// external are the workflows that the given ones start or send to: they may be of other packages.
func (g *gate) external() (names []string) {
	for _, w := range g.workflows {
		for _, options := range w.EffectOptions() {
			for _, target := range []*workflow.Target{options.Starts, options.Sends} {
				if target != nil && !target.Parent {
					names = append(names, target.Workflow)
				}
			}
		}
	}
	return names
}
