package vet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/checker"
	"golang.org/x/tools/go/packages"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// Options say what Check looks at.
type Options struct {
	Dir       string   // where patterns are resolved; "" is the working directory
	Tags      string   // build tags, separated by commas
	Analyzers []string // names of the passes to run; all when empty
}

// Finding is one place where a pass found something.
type Finding struct {
	Analyzer string
	Start    token.Position // with the file relative to the working directory, when it is below it
	End      token.Position
	Message  string // begins with the analyzer
	edits    []textEdit
}

// Findings are sorted by place.
type Findings []Finding

// Check runs the passes on the packages that patterns of the go command name, and returns what they find. Errors are those of
// loading: the packages have to compile.
//
// The packages of the main module that these import are read from source as well, and nothing else is: types of other
// modules and of the standard library come from the build cache.
func Check(ctx context.Context, patterns []string, options Options) (Findings, error) {
	analyzers, err := selected(options.Analyzers)
	if err != nil {
		return nil, err
	}
	initial, all, err := load(ctx, patterns, options)
	if err != nil {
		return nil, err
	}
	return analyze(analyzers, initial, all)
}

// analyze returns what the passes find in the initial packages. The others are there to follow calls into.
func analyze(analyzers []*analysis.Analyzer, initial map[string]bool, all []*packages.Package) (Findings, error) {
	graph, err := checker.Analyze(analyzers, all, nil)
	if err != nil {
		return nil, err
	}
	var found Findings
	for _, action := range graph.Roots {
		if action.Err != nil {
			return nil, fmt.Errorf("%s: %s: %w", action.Package.PkgPath, action.Analyzer.Name, action.Err)
		}
		if !initial[action.Package.PkgPath] {
			continue
		}
		for _, d := range action.Diagnostics {
			found = append(found, newFinding(action, d))
		}
	}
	slices.SortFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Start.Filename, b.Start.Filename), cmp.Compare(a.Start.Offset, b.Start.Offset),
			cmp.Compare(a.Message, b.Message))
	})
	return found, nil
}

func selected(names []string) ([]*analysis.Analyzer, error) {
	all := Analyzers()
	if len(names) == 0 {
		return all, nil
	}
	var list []*analysis.Analyzer
	for _, name := range names {
		i := slices.IndexFunc(all, func(a *analysis.Analyzer) bool { return a.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no analyzer %q; they are %s", name, diagnostic.Listing(Names(), "and"))
		}
		list = append(list, all[i])
	}
	return list, nil
}

// Names returns the names of the passes.
func Names() []string {
	var names []string
	for _, a := range Analyzers() {
		names = append(names, a.Name)
	}
	return names
}

// load loads packages from source, and with them those of the main module that they import. The first result says which
// ones were asked for.
func load(ctx context.Context, patterns []string, options Options) (initial map[string]bool, all []*packages.Package, err error) {
	cfg := &packages.Config{Context: ctx, Mode: packages.LoadSyntax | packages.NeedModule, Dir: options.Dir}
	if options.Tags != "" {
		cfg.BuildFlags = []string{"-tags=" + options.Tags}
	}
	all, err = packages.Load(cfg, patterns...)
	if err != nil {
		return nil, nil, err
	}
	if len(all) == 0 {
		return nil, nil, fmt.Errorf("no packages match %s", strings.Join(patterns, " "))
	}
	initial = make(map[string]bool)
	for _, p := range all {
		initial[p.PkgPath] = true
	}
	if more := withoutSource(all); len(more) > 0 {
		if all, err = packages.Load(cfg, append(slices.Clip(patterns), more...)...); err != nil {
			return nil, nil, err
		}
	}
	if err := loadErrors(all); err != nil {
		return nil, nil, err
	}
	// The passes follow calls by the imports. What was not asked for has no function bodies, even where it has syntax because
	// it imports what was.
	roots := make(map[*packages.Package]bool)
	for _, p := range all {
		roots[p] = true
	}
	for _, p := range all {
		maps.DeleteFunc(p.Imports, func(_ string, imported *packages.Package) bool { return !roots[imported] })
	}
	return initial, all, nil
}

// withoutSource returns the packages of the main module that were not loaded from source.
func withoutSource(roots []*packages.Package) []string {
	var list []string
	packages.Visit(roots, nil, func(p *packages.Package) {
		if p.Module != nil && p.Module.Main && len(p.Syntax) == 0 && len(p.Errors) == 0 {
			list = append(list, p.PkgPath)
		}
	})
	return list
}

// loadErrors joins what keeps packages from being looked at.
func loadErrors(roots []*packages.Package) error {
	var found []packages.Error
	incomplete := false
	packages.Visit(roots, nil, func(p *packages.Package) {
		found = append(found, p.Errors...)
		incomplete = incomplete || slices.ContainsFunc(p.Errors, func(e packages.Error) bool { return e.Kind == packages.TypeError })
	})
	var errs []error
	seen := make(map[string]bool)
	for _, err := range found {
		text := err.Msg
		if incomplete && strings.HasPrefix(text, "# ") {
			continue // the compiler, on the same
		}
		if file, rest, ok := strings.Cut(err.Pos, ":"); ok && file != "" && file != "-" {
			text = relative(file) + ":" + rest + ": " + text
		}
		if !seen[text] {
			seen[text] = true
			errs = append(errs, errors.New(text))
		}
	}
	if incomplete {
		errs = append(errs, errors.New(`vet looks at packages that compile; when generated code is missing, run "ironflow-gen generate" first`))
	}
	return errors.Join(errs...)
}

func newFinding(action *checker.Action, d analysis.Diagnostic) Finding {
	fset := action.Package.Fset
	f := Finding{Analyzer: action.Analyzer.Name, Message: d.Message, Start: fset.Position(d.Pos), End: fset.Position(d.End)}
	if len(d.SuggestedFixes) > 0 {
		for _, e := range d.SuggestedFixes[0].TextEdits {
			start, end := fset.Position(e.Pos), fset.Position(e.End)
			f.edits = append(f.edits, textEdit{start.Filename, start.Offset, end.Offset, string(e.NewText)})
		}
	}
	f.Start.Filename = relative(f.Start.Filename)
	f.End.Filename = relative(f.End.Filename)
	return f
}

// relative shortens a path below the working directory.
func relative(path string) string {
	dir, err := os.Getwd()
	if err != nil {
		return path
	}
	if short, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(short) {
		return short
	}
	return path
}

// Err returns the findings as diagnostics, or nil when there are none.
func (f Findings) Err() error {
	var list diagnostic.List
	for _, one := range f {
		pos := diagnostic.Pos{File: one.Start.Filename, Line: one.Start.Line, Col: one.Start.Column}
		message, fix, _ := strings.Cut(one.Message, "; ")
		list.Report(pos, codes[one.Analyzer], "%s; %s", message, fix)
	}
	return list.Err()
}
