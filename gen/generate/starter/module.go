package starter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/ironflow-gen/ironflow/gen/generate/buildinfo"
)

// tool is the package that "go tool ironflow-gen" runs.
const tool = buildinfo.Module + "/cmd/ironflow-gen"

// Module is the Go module that a new package becomes part of.
type Module struct {
	dir    string // for the go command: of go.mod, or below it
	base   string // import path of dir
	exists bool
	file   *modfile.File // empty when there is none yet
}

// FindModule looks for the go.mod of a directory, which need not exist. Without one, the module is to be called name.
func FindModule(dir, name string) (*Module, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	for root := dir; ; root = filepath.Dir(root) {
		file := filepath.Join(root, "go.mod")
		content, err := os.ReadFile(file)
		switch {
		case err == nil:
			parsed, err := modfile.Parse(file, content, nil)
			if err != nil {
				return nil, err
			}
			if parsed.Module == nil {
				return nil, fmt.Errorf("%s: there is no module directive", file)
			}
			below, err := filepath.Rel(root, dir)
			if err != nil {
				return nil, err
			}
			base := path.Join(parsed.Module.Mod.Path, filepath.ToSlash(below))
			return &Module{dir: dir, base: base, exists: true, file: parsed}, nil
		case !errors.Is(err, os.ErrNotExist):
			return nil, err
		case root == filepath.Dir(root):
			return &Module{dir: dir, base: name, file: &modfile.File{}}, nil
		}
	}
}

// ImportPath is that of the directory.
func (m *Module) ImportPath() string { return m.base }

// Command is a call of the go command, with what it is for.
type Command struct {
	Args []string
	Why  string // for the user; may be empty
}

func (c Command) String() string { return "go " + strings.Join(c.Args, " ") }

// ErrNoSource says that a build can be found neither by the go command nor on this machine.
var ErrNoSource = errors.New("this ironflow-gen is no released version and its sources are not where it was built, " +
	"so go.mod cannot be told where to find them")

// Prepare makes the module require ironflow and know ironflow-gen as a tool. It reports each go command before it calls
// it. When one fails, the error has its output, and lists what is left to do.
func (m *Module) Prepare(ctx context.Context, build buildinfo.Build, report func(Command)) error {
	commands, err := m.commands(build)
	if err != nil {
		return err
	}
	for i, c := range commands {
		report(c)
		if err := m.run(ctx, c); err != nil {
			var left []string
			for _, c := range commands[i:] {
				left = append(left, "\n  "+c.String())
			}
			return fmt.Errorf("%w\n\nWhen that is mended, run in %s:%s", err, m.dir, strings.Join(left, ""))
		}
	}
	return nil
}

// commands lists what Prepare calls.
func (m *Module) commands(build buildinfo.Build) ([]Command, error) {
	if m.exists && m.file.Module.Mod.Path == buildinfo.Module {
		return nil, nil // it is its own tool
	}
	var list []Command
	if !m.exists {
		list = append(list, Command{Args: []string{"mod", "init", m.base}})
	}
	switch {
	case m.requires() && m.hasTool():
	case build.Released:
		list = append(list, Command{Args: []string{"get", "-tool", tool + "@" + build.Version}})
	case m.replaces():
		list = append(list, Command{Args: []string{"mod", "edit", "-tool=" + tool}})
	case build.Checkout != "":
		list = append(list, Command{
			Args: []string{"mod", "edit", "-tool=" + tool, "-replace=" + buildinfo.Module + "=" + build.Checkout},
			Why:  "this ironflow-gen is no released version, so the module uses the sources it was built from",
		})
	default:
		return nil, ErrNoSource
	}
	return append(list, Command{Args: []string{"mod", "tidy"}}), nil
}

func (m *Module) requires() bool {
	return slices.ContainsFunc(m.file.Require, func(r *modfile.Require) bool { return r.Mod.Path == buildinfo.Module })
}

func (m *Module) replaces() bool {
	return slices.ContainsFunc(m.file.Replace, func(r *modfile.Replace) bool { return r.Old.Path == buildinfo.Module })
}

func (m *Module) hasTool() bool {
	return slices.ContainsFunc(m.file.Tool, func(t *modfile.Tool) bool { return t.Path == tool })
}

// run calls the go command in the module's directory. The error has its output.
func (m *Module) run(ctx context.Context, c Command) error {
	cmd := exec.CommandContext(ctx, "go", c.Args...)
	cmd.Dir = m.dir
	// A workspace or -mod=vendor around the module must not keep go.mod from being written.
	flags := strings.TrimSpace(os.Getenv("GOFLAGS") + " -mod=mod")
	cmd.Env = append(os.Environ(), "GOFLAGS="+flags, "GOWORK=off")
	output, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", c, err)
	if text := strings.TrimSpace(string(output)); text != "" {
		err = fmt.Errorf("%w\n%s", err, text)
	}
	return err
}
