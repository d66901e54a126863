package generate_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/gen/generate"
)

// togetherIn makes the test process generate in a directory with stubs, as soon as the file "go" is there.
const togetherIn = "IRONFLOW_TEST_TOGETHER_IN"

func init() { processes[togetherIn] = generateTogether }

func generateTogether(dir string) {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, err := os.Stat(filepath.Join(filepath.Dir(dir), "go")); err == nil {
			break
		}
	}
	generateAndExit(dir)
}

// generateAndExit generates with stubs as a process of its own, and prints the error.
func generateAndExit(dir string) {
	plan, err := generate.New([]string{dir}, generate.Options{Stubs: true})
	if err == nil {
		err = plan.Apply()
	}
	if err != nil {
		fmt.Print(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// TestTogether lets several processes generate the same package at the same time, as an editor and a terminal do, or "go generate" for
// two directives. Each finds what it would have done in place, or does it; nobody fails, and nothing is done twice or undone.
func TestTogether(t *testing.T) {
	t.Parallel()
	const rounds, runs = 12, 5
	for name, prepare := range map[string]func(t *testing.T, dir string){
		"grown": prepareGrown,
		"new":   func(t *testing.T, dir string) { write(t, dir, "door.ironflow.yaml", grownDoor) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alone := t.TempDir()
			prepare(t, alone)
			runStubs(t, alone)
			want := read(t, alone)
			for range rounds {
				root := t.TempDir()
				dir := filepath.Join(root, "door")
				prepare(t, dir)
				var commands []*exec.Cmd
				var outputs [runs]strings.Builder
				for i := range runs {
					cmd := exec.Command(os.Args[0])
					cmd.Env = append(os.Environ(), togetherIn+"="+dir)
					cmd.Stdout, cmd.Stderr = &outputs[i], &outputs[i]
					if err := cmd.Start(); err != nil {
						t.Fatal(err)
					}
					commands = append(commands, cmd)
				}
				write(t, root, "go", "")
				for i, cmd := range commands {
					if err := cmd.Wait(); err != nil {
						t.Errorf("%v: %s", err, outputs[i].String())
					}
				}
				if got := read(t, dir); !maps.Equal(got, want) {
					t.Errorf("there is %v, want %v", names(got), names(want))
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}
