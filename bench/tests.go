package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
)

func testProbes() []probe { return []probe{{name: "ironflowtest", run: testTools}} }

var testFigure = regexp.MustCompile(`\s([0-9.e+-]+) (transitions/s|steps/s|s/month|ms/given|steps/story|s/shrink)\b`)

// testTools measures ironflowtest by the benchmarks of that package, because a simulation needs a *testing.T.
func testTools(ctx context.Context, b *bench) (figures, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^Benchmark(Explore|Simulate|Month|Given|Shrink)$", "-benchtime", b.size.window.String(),
		"github.com/ironflow-gen/ironflow/runtime/ironflowtest")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	found := figures{}
	for _, m := range testFigure.FindAllSubmatch(out, -1) {
		if found[string(m[2])], err = strconv.ParseFloat(string(m[1]), 64); err != nil {
			return nil, err
		}
	}
	if len(found) != 6 {
		return nil, fmt.Errorf("the benchmarks of ironflowtest have printed other figures:\n%s", out)
	}
	return found, nil
}
