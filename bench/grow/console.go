package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/bench/internal/load"
	"github.com/ironflow-gen/ironflow/bench/internal/report"
	"github.com/ironflow-gen/ironflow/bench/internal/tally"
	engines "github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/console"
)

// consolePages are the pages of the console, with the address for an instance. The list by a search field is not among them, because the tally
// declares none: Find is measured by itself.
var consolePages = []struct {
	name    string
	address func(instance string) string
}{
	{"overview", func(string) string { return "/" }},
	{"list", func(string) string { return "/instances" }},
	{"list of active ones", func(string) string { return "/instances?workflow=tally&activity=active" }},
	{"list by a common state", func(string) string { return "/instances?workflow=tally&activity=active&status=open" }},
	{"list by the beginning of the id", func(id string) string { return "/instances?id=" + url.QueryEscape(id) }},
	{"instance", func(id string) string { return "/instance?workflow=tally&id=" + url.QueryEscape(id) }},
	{"why", func(id string) string { return "/why?workflow=tally&version=2&id=" + url.QueryEscape(id) }},
	{"dead letters", func(string) string { return "/dead" }},
	{"stuck", func(string) string { return "/stuck" }},
	{"schedules", func(string) string { return "/schedules" }},
	{"projections", func(string) string { return "/projections" }},
	{"workflows", func(string) string { return "/workflows" }},
	{"workflow", func(string) string { return "/workflow?name=tally" }},
	{"programs", func(string) string { return "/programs" }},
	{"audit", func(string) string { return "/audit" }},
}

// console returns the console over the grown store, with an engine. Each has its own caches.
func (g *grown) console() (http.Handler, *engines.Engine, error) {
	engine, err := engines.NewEngine(g.store, engines.Config{Name: "grow", Logger: slog.New(slog.DiscardHandler)},
		tally.NewWorkflow(tally.Decider{}, tally.Evolver{}, tally.Handler{}))
	if err != nil {
		return nil, nil, err
	}
	return console.New(g.admin, console.Config{
		Engine: engine, Logger: slog.New(slog.DiscardHandler),
		Access: func(*http.Request) (console.Access, error) {
			return console.Access{Name: "ann", Role: console.Operator, Payloads: true, ClientInputs: true}, nil
		},
	}), engine, nil
}

// page asks for a page as a browser that has just opened it: nothing is cached.
func (g *grown) page(ctx context.Context, address string) error {
	handler, _, err := g.console()
	if err != nil {
		return err
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, address, nil))
	if w.Code != http.StatusOK && w.Code != http.StatusSeeOther {
		return fmt.Errorf("%s: status %d", address, w.Code)
	}
	return nil
}

// describe stores what the program of the benchmark declares, as each program does.
func (g *grown) describe(ctx context.Context) error {
	_, engine, err := g.console()
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	return engine.Run(ctx)
}

const openPages = 20

// openConsole measures which share of the machine's processors open pages take while events are stored all the time: each hears of them, and
// asks for itself again every two seconds.
func (g *grown) openConsole(ctx context.Context) (figures, error) {
	handler, engine, err := g.console()
	if err != nil {
		return nil, err
	}
	const window = 20 * time.Second
	used := func() time.Duration { return load.ProcessorTime() + g.ProcessorTime(ctx) }
	share := func(pages int) (float64, error) {
		ctx, stop := context.WithTimeout(ctx, window)
		defer stop()
		var all sync.WaitGroup
		var mu sync.Mutex
		var failed error
		fail := func(err error) {
			if mu.Lock(); failed == nil && ctx.Err() == nil {
				failed = err
			}
			mu.Unlock()
		}
		began := used()
		all.Go(func() { // something happens twice a second, so pages always have something new to show
			client := tally.NewClient(engine)
			for n := 0; ctx.Err() == nil; n++ {
				if err := load.Add(ctx, client, load.InstanceID(active(rand.IntN(g.instances))), n); err != nil {
					fail(err)
				}
				wait(ctx, time.Second/2)
			}
		})
		for n := range pages {
			all.Go(func() {
				r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/live", nil)
				handler.ServeHTTP(httptest.NewRecorder(), r)
			})
			all.Go(func() {
				wait(ctx, time.Duration(n)*100*time.Millisecond)
				for ctx.Err() == nil {
					w := httptest.NewRecorder()
					address := consolePages[n%len(consolePages)].address(load.InstanceID(rand.IntN(g.instances)))
					if n < openPages/2 { // most people look at the first page
						address = "/"
					}
					handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, address, nil))
					if w.Code >= http.StatusInternalServerError {
						fail(fmt.Errorf("%s: status %d", address, w.Code))
					}
					wait(ctx, 2*time.Second)
				}
			})
		}
		all.Wait()
		return 100 * float64(used()-began) / float64(window) / float64(runtime.NumCPU()), failed
	}
	without, err := share(0)
	if err != nil {
		return nil, err
	}
	with, err := share(openPages)
	return figures{"share": with - without}, err
}

// wait waits, but not longer than ctx lasts.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// consoleRows are the rows of the table that are about the console.
func consoleRows() (rows []report.Row) {
	for _, p := range consolePages {
		for _, figure := range []struct {
			name string
			most float64
		}{{"p50", 0}, {"p95", 50}, {"p99", 200}} {
			rows = append(rows, report.Row{
				Name: "console, " + p.name + ", " + figure.name, Unit: "ms", Ours: []string{"console, " + p.name + "/" + figure.name}, AtMost: true, Required: figure.most,
			})
		}
	}
	return append(rows, report.Row{
		Name: fmt.Sprintf("console, %d open pages, of all processors", openPages), Unit: "%", Ours: []string{"console, open pages/share"}, AtMost: true, Required: 2,
	})
}
