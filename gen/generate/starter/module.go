package starter

import (
	"cmp"
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
	"golang.org/x/mod/module"

	"github.com/ironflow-gen/ironflow/gen/generate/buildinfo"
)

// tool is the package that "go tool ironflow-gen" runs.
const tool = buildinfo.Module + "/cmd/ironflow-gen"

// Module is the Go module that a new package becomes part of.
type Module struct {
	dir    string // for the go command: of go.mod, or below it
	base   string // import path of dir
	path   string // of go.mod; empty when there is none yet
	exists bool
	named  bool          // by the user, who need not be told to choose a path
	file   *modfile.File // empty when there is none yet
}

// PlaceholderPath is the path of a new module that is not given one. The name alone may be that of a standard package,
// which go refuses.
func PlaceholderPath(name string) string { return path.Join("example.com", name) }

// CheckModulePath returns what is wrong with the path of a new module.
func CheckModulePath(modulePath string) error {
	if err := module.CheckImportPath(modulePath); err != nil {
		return fmt.Errorf("%w: write a path like example.com/shop", err)
	}
	return nil
}

// Exists reports whether there is a go.mod.
func (m *Module) Exists() bool { return m.exists }

// FindModule looks for the go.mod of a directory, which need not exist. Without one, the module is to have the given path, or
// example.com/name if that is empty. A path that is not that of the go.mod is an error.
func FindModule(dir, name, modulePath string) (*Module, error) {
	if modulePath != "" {
		if err := CheckModulePath(modulePath); err != nil {
			return nil, err
		}
	}
	if err := checkDirectory(dir); err != nil {
		return nil, err
	}
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
			if there := parsed.Module.Mod.Path; modulePath != "" && modulePath != there {
				return nil, fmt.Errorf("%s: the module there is %s, not %s", file, there, modulePath)
			}
			below, err := filepath.Rel(root, dir)
			if err != nil {
				return nil, err
			}
			base := path.Join(parsed.Module.Mod.Path, filepath.ToSlash(below))
			return &Module{dir: dir, base: base, path: file, exists: true, file: parsed}, nil
		case !errors.Is(err, os.ErrNotExist):
			return nil, err
		case root == filepath.Dir(root):
			return &Module{dir: dir, base: cmp.Or(modulePath, PlaceholderPath(name)), named: modulePath != "", file: &modfile.File{}}, nil
		}
	}
}

// checkDirectory reports a file that is where the directory, or one above it, should be.
func checkDirectory(dir string) error {
	for {
		info, err := os.Stat(dir)
		switch {
		case err == nil && !info.IsDir():
			return fmt.Errorf("%s is not a directory", dir)
		case err == nil, dir == filepath.Dir(dir):
			return nil
		}
		dir = filepath.Dir(dir)
	}
}

// ImportPath is that of the directory.
func (m *Module) ImportPath() string { return m.base }

// Command is a call of the go command, with what it is for.
type Command struct {
	Args []string
	Why  string // for the user; may be empty
}

// String is the command as a shell takes it.
func (c Command) String() string {
	words := []string{"go"}
	for _, arg := range c.Args {
		words = append(words, Quote(arg))
	}
	return strings.Join(words, " ")
}

// Quote writes an argument as a shell takes it.
func Quote(arg string) string {
	special := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(`/._-+=@:,`, r)
	}
	if arg != "" && strings.IndexFunc(arg, special) < 0 {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// ErrNoSource says that a build can be found neither by the go command nor on this machine.
var ErrNoSource = errors.New("this ironflow-gen is no released version and its sources are not where it was built, " +
	"so go.mod cannot be told where to find them")

// Prepare makes the module require ironflow and know ironflow-gen as a tool. It reports each go command before it calls
// it. When one fails, the error has its output, and lists what is left to do.
func (m *Module) Prepare(ctx context.Context, build buildinfo.Build, report func(Command)) error {
	commands, err := m.Commands(build)
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

// GoVersion returns the versions of Go that go.mod asked for when it was found, and that it asks for now. They are empty
// when there was none.
func (m *Module) GoVersion() (before, now string, err error) {
	if !m.exists || m.file.Go == nil {
		return "", "", nil
	}
	content, err := os.ReadFile(m.path)
	if err != nil {
		return "", "", err
	}
	parsed, err := modfile.ParseLax(m.path, content, nil)
	if err != nil || parsed.Go == nil {
		return "", "", err
	}
	return m.file.Go.Version, parsed.Go.Version, nil
}

// Commands lists what Prepare calls.
func (m *Module) Commands(build buildinfo.Build) ([]Command, error) {
	if m.exists && m.file.Module.Mod.Path == buildinfo.Module {
		return nil, nil // it is its own tool
	}
	var list []Command
	if !m.exists {
		why := "there is no go.mod, so this becomes a module"
		if !m.named {
			why += "; give it a path of yours when it has one"
		}
		list = append(list, Command{Args: []string{"mod", "init", m.base}, Why: why})
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
