package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/ironflow-gen/ironflow/bench/internal/report"
	"github.com/ironflow-gen/ironflow/gen/generate"
)

// The names of those who compete.
const (
	yamlName        = "ironflow, YAML"
	goName          = "ironflow, Go types"
	sqlcName        = "sqlc"
	ogenName        = "ogen"
	gqlgenName      = "gqlgen, fastest settings"
	gqlgenPlainName = "gqlgen, its defaults"
	inMemory        = ", in memory"
)

// entrant is a generator with a number of packages to generate.
type entrant struct {
	name     string
	packages int

	work        *workspace
	commands    []command    // that generate them, one after the other
	generate    func() error // in place of commands: within this process
	dir         string       // with the packages
	isGenerated func(name string) bool
}

// figure is how something measured of an entrant is called.
func figure(name string, packages int, what string) string {
	return fmt.Sprintf("%s, %s/%s", name, count(packages), what)
}

func count(packages int) string {
	if packages == 1 {
		return "1 package"
	}
	return fmt.Sprintf("%d packages", packages)
}

// contest lists who competes, in the order of a round.
func (w *workspace) contest() []entrant {
	var list []entrant
	for _, n := range []int{1, packages} {
		add := func(name, dir string, isGenerated func(string) bool, commands ...command) {
			list = append(list, entrant{name: name, packages: n, work: w, commands: commands, dir: dir, isGenerated: isGenerated})
		}
		within := func(name, dir string) {
			list = append(list, entrant{name: name + inMemory, packages: n, work: w, dir: dir, isGenerated: isOurs, generate: func() error {
				_, err := generate.New([]string{filepath.Join(w.dir, ours(dir, n))}, generate.Options{})
				return err
			}})
		}
		add(yamlName, "yaml", isOurs, command{args: []string{"ironflow-gen", ours("yaml", n)}})
		add(goName, "gotypes", isOurs, command{args: []string{"ironflow-gen", ours("gotypes", n)}})
		add(sqlcName, "sqlc", isGo, command{"sqlc", []string{"sqlc", "generate", "-f", fmt.Sprintf("sqlc%d.yaml", n)}})
		var ogen, best, plain []command
		for _, name := range names(n) {
			ogen = append(ogen, command{"ogen/" + name, []string{"ogen", "-package", name, "-target", ".", "openapi.yaml"}})
			best = append(best, command{"gqlgen/" + name, []string{"gqlgen", "--config", "best.yml", "generate"}})
			plain = append(plain, command{"gqlgen/" + name, []string{"gqlgen", "--config", "defaults.yml", "generate"}})
		}
		add(ogenName, "ogen", isGo, ogen...)
		add(gqlgenName, "gqlgen", isGo, best...)
		add(gqlgenPlainName, "gqlgen", isGo, plain...)
		within(yamlName, "yaml")
		within(goName, "gotypes")
	}
	return list
}

// ours is the argument that names the packages to ironflow-gen.
func ours(dir string, packages int) string {
	if packages == 1 {
		return dir + "/" + names(1)[0]
	}
	return dir + "/..."
}

func isGo(name string) bool { return strings.HasSuffix(name, ".go") }

func isOurs(name string) bool {
	return strings.HasSuffix(name, "_ironflow.go") || strings.HasSuffix(name, "_ironflow_test.go")
}

// rows are the comparisons, by the clock and by processor time, and the goals.
func rows() []report.Row {
	var list []report.Row
	required := map[string]float64{
		figure(goName, 1, "wall"):          150,
		figure(yamlName, packages, "wall"): 60,
	}
	for _, n := range []int{1, packages} {
		for _, side := range []struct {
			ours      string
			reference []string
		}{
			{yamlName, []string{sqlcName, ogenName}},
			{goName, []string{gqlgenName, gqlgenPlainName}}, // both ask the go command for types
		} {
			title := fmt.Sprintf("%s, %s", strings.TrimPrefix(side.ours, "ironflow, "), count(n))
			wall, cpu := []string{figure(side.ours, n, "wall")}, []string{figure(side.ours, n, "cpu")}
			list = append(list,
				report.Row{Name: title, Unit: "ms", Ours: wall, AtMost: true, Required: required[wall[0]]},
				report.Row{Name: title + inMemory, Unit: "ms", Ours: []string{figure(side.ours+inMemory, n, "wall")}, AtMost: true},
			)
			for _, reference := range side.reference {
				list = append(list,
					report.Row{Name: title + "; " + reference, Unit: "ms", Ours: wall, Reference: figure(reference, n, "wall"), AtMost: true},
					report.Row{Name: title + "; " + reference + ", processor", Unit: "ms", Ours: cpu, Reference: figure(reference, n, "cpu"), AtMost: true},
				)
			}
		}
	}
	return list
}
