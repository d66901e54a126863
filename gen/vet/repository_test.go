package vet

import (
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// TestLoadsWhatIsImported checks that calls are followed into packages that were not asked for.
func TestLoadsWhatIsImported(t *testing.T) {
	t.Parallel()
	findings, err := Check(t.Context(), []string{"./testdata/clock"}, Options{Analyzers: []string{"clock"}})
	if err != nil {
		t.Fatal(err)
	}
	const want = "calls price.Lookup, which calls price.age, which calls time.Since (price.go:11)"
	found := false
	for _, f := range findings {
		found = found || strings.Contains(f.Message, want)
		if f.Analyzer != "clock" || !strings.HasPrefix(f.Start.Filename, "testdata/clock/clock.go") {
			t.Errorf("unexpected: %+v", f)
		}
	}
	if !found {
		t.Errorf("nothing %s in %+v", want, findings)
	}
}

// TestReadsLittle checks that neither other modules nor the standard library are read from source.
func TestReadsLittle(t *testing.T) {
	t.Parallel()
	_, all, err := load(t.Context(), []string{"./testdata/clock"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	packages.Visit(all, nil, func(p *packages.Package) {
		if p.Module == nil || !p.Module.Main {
			t.Errorf("%s is looked at", p.PkgPath)
		}
	})
}

func TestUnknownAnalyzer(t *testing.T) {
	t.Parallel()
	_, err := Check(t.Context(), []string{"."}, Options{Analyzers: []string{"klock"}})
	if err == nil || !strings.Contains(err.Error(), `there is no analyzer "klock"; they are clock, random,`) {
		t.Error(err)
	}
}
