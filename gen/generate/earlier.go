package generate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/contract"
	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// oldFile is a file as it was.
type oldFile struct {
	path    string // where it is, or would be, today; absolute
	name    string // for positions
	content []byte

	// What read makes of the content.
	lock *contract.Set  // nil for another file
	w    *spec.Workflow // nil for another file than a declaration in YAML
	err  error
}

func (f *oldFile) read() {
	switch {
	case strings.HasSuffix(f.path, contract.Suffix):
		f.lock, f.err = contract.Parse(f.name, f.content, "")
	case isDeclaration(f.path):
		f.w, f.err = yamlspec.Parse(f.name, f.content)
	}
}

// earlierFiles returns the declarations and locks of before, and the Go files of directories whose declaration is of Go types.
func earlierFiles(paths []string, packages []pkg, against string) ([]oldFile, error) {
	isWanted := wanted(paths, packages)
	if ref, ok := strings.CutPrefix(against, "git:"); ok {
		return gitFiles(packages, ref, isWanted)
	}
	info, err := os.Stat(against)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf(`%s: there is no such file or directory; name one, or a revision as "git:main"`, against)
	case err != nil:
		return nil, err
	case info.IsDir():
		return directoryFiles(against, isWanted)
	case !isDeclaration(against) && !strings.HasSuffix(against, contract.Suffix):
		return nil, fmt.Errorf("%s: what there was before is a lock, a declaration in YAML, a directory, or a revision as \"git:main\"", against)
	case len(packages) != 1:
		return nil, fmt.Errorf("%s is one workflow, and there are %d to compare; name one of them", against, len(packages))
	}
	content, err := os.ReadFile(against)
	return []oldFile{{path: filepath.Join(absolute(packages[0].dir), filepath.Base(against)), name: against, content: content}}, err
}

// absolute returns the absolute path of a directory, without links where it exists.
func absolute(dir string) string {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return dir
}

// wanted returns whether a file of before counts, by the absolute path that it has today.
func wanted(paths []string, packages []pkg) func(path string) bool {
	dirs, goDirs := make(map[string]bool), make(map[string]bool)
	var below []string
	for _, p := range packages {
		dirs[absolute(p.dir)] = true
		goDirs[absolute(p.dir)] = isGo(p.file)
	}
	for _, path := range paths {
		if root, all := strings.CutSuffix(filepath.ToSlash(path), "..."); all {
			below = append(below, absolute(filepath.Clean(root)))
		}
	}
	return func(path string) bool {
		dir := filepath.Dir(path)
		if isGo(path) {
			return goDirs[dir]
		}
		if !isDeclaration(path) && !strings.HasSuffix(path, contract.Suffix) {
			return false
		}
		for _, root := range below {
			rest, err := filepath.Rel(root, dir)
			if err == nil && !isOutside(rest) && !anySkipped(rest) {
				return true
			}
		}
		return dirs[dir]
	}
}

func isOutside(relative string) bool {
	return relative == ".." || strings.HasPrefix(relative, ".."+string(filepath.Separator))
}

// anySkipped reports whether a pattern leaves a directory out, or one that leads to it.
func anySkipped(relative string) bool {
	for part := range strings.SplitSeq(filepath.ToSlash(relative), "/") {
		if part != "." && isSkipped(part) {
			return true
		}
	}
	return false
}

// directoryFiles reads a copy of the current directory.
func directoryFiles(root string, isWanted func(string) bool) ([]oldFile, error) {
	var files []oldFile
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		relative, err := filepath.Rel(root, path)
		today := filepath.Join(absolute("."), relative)
		if err != nil || !isWanted(today) || !e.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		files = append(files, oldFile{path: today, name: path, content: content})
		return err
	})
	return files, err
}

// gitFiles reads a revision without checking it out. Nothing in the repository changes.
func gitFiles(packages []pkg, ref string, isWanted func(string) bool) ([]oldFile, error) {
	if len(packages) == 0 {
		return nil, nil
	}
	g := git{dir: absolute(packages[0].dir)}
	top, err := g.run("rev-parse", "--show-toplevel")
	if err != nil {
		return nil, g.explain(err)
	}
	g.dir = absolute(filepath.FromSlash(strings.TrimSpace(top)))
	commit, err := g.run("rev-parse", "--verify", "--quiet", "--end-of-options", ref+"^{commit}")
	if err != nil {
		return nil, g.unknownRevision(ref)
	}
	commit = strings.TrimSpace(commit)
	tree, err := g.run("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)
	if err != nil {
		return nil, err
	}
	var files []oldFile
	var request bytes.Buffer
	for name := range strings.SplitSeq(tree, "\x00") {
		today := filepath.Join(g.dir, filepath.FromSlash(name))
		if name == "" || strings.Contains(name, "\n") || !isWanted(today) {
			continue
		}
		files = append(files, oldFile{path: today, name: "git:" + ref + ":" + name})
		fmt.Fprintf(&request, "%s:%s\n", commit, name)
	}
	contents, err := g.contents(&request, len(files))
	for i := range contents {
		files[i].content = contents[i]
	}
	return files, err
}

// git runs git in a directory.
type git struct{ dir string }

func (g git) run(args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = g.dir
	out, err := cmd.Output()
	return string(out), err
}

// explain says why there is no work tree of git.
func (g git) explain(err error) error {
	var failed *exec.ExitError
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("there is no git on this machine; install it, or compare with a directory that has the files of before")
	}
	if bare, bareErr := g.run("rev-parse", "--is-bare-repository"); bareErr == nil && strings.TrimSpace(bare) == "true" {
		return fmt.Errorf("%s is in a bare repository, which has no files to compare; run this in a clone", g.dir)
	}
	if errors.As(err, &failed) && bytes.Contains(failed.Stderr, []byte("dubious ownership")) {
		return fmt.Errorf("git refuses %s because another user owns it; let git trust it: git config --global --add safe.directory %s", g.dir, g.dir)
	}
	return fmt.Errorf("%s is in no repository of git; compare with a directory that has the files of before", g.dir)
}

func (g git) unknownRevision(ref string) error {
	if shallow, err := g.run("rev-parse", "--is-shallow-repository"); err == nil && strings.TrimSpace(shallow) == "true" {
		return fmt.Errorf("git does not know the revision %q, and the clone is shallow; fetch it first, like git fetch --depth=1 origin %s:%s", ref, ref, ref)
	}
	return fmt.Errorf("git does not know the revision %q; name a branch, a tag or a commit, like git:main", ref)
}

// contents reads several files of a revision with one process.
func (g git) contents(request io.Reader, n int) ([][]byte, error) {
	if n == 0 {
		return nil, nil
	}
	cmd := exec.Command("git", "cat-file", "--batch")
	cmd.Dir, cmd.Stdin = g.dir, request
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("reading files of git: %w", err)
	}
	var list [][]byte
	for range n {
		head, rest, _ := bytes.Cut(out, []byte("\n"))
		var id, kind string
		var size int
		if _, err := fmt.Sscan(string(head), &id, &kind, &size); err != nil || len(rest) < size+1 {
			return nil, fmt.Errorf("reading files of git: %q is not what was asked for", head)
		}
		list = append(list, rest[:size])
		out = rest[size+1:]
	}
	return list, nil
}
