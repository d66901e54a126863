package gate

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// revision is the files of a revision of git, in a directory of their own.
type revision struct {
	repository string // where the package of today is
	dir        string
}

// checkOut writes the files of a revision, given as git:REF, into a new directory. The repository is not changed.
func checkOut(ctx context.Context, of, against, dir string) (*revision, error) {
	ref, is := strings.CutPrefix(against, "git:")
	if !is || ref == "" || strings.HasPrefix(ref, "-") {
		return nil, fmt.Errorf("-against is %q; write git:REF, with a branch, a tag or a commit", against)
	}
	root, err := git(ctx, of, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, fmt.Errorf("-against needs the repository of the package: %w", err)
	}
	r := &revision{repository: strings.TrimSpace(string(root)), dir: dir}
	archive, err := git(ctx, r.repository, "archive", "--format=tar", ref)
	if err != nil {
		return nil, fmt.Errorf("%w; fetch the revision first, a shallow clone has only the newest", err)
	}
	return r, unpack(archive, dir)
}

func git(ctx context.Context, dir string, args ...string) ([]byte, error) {
	var out, errs bytes.Buffer
	command := exec.CommandContext(ctx, "git", args...)
	command.Dir, command.Stdout, command.Stderr = dir, &out, &errs
	if err := command.Run(); err != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(errs.String()), "\n")
		return nil, fmt.Errorf("git %s: %w: %s", args[0], err, first)
	}
	return out.Bytes(), nil
}

func unpack(archive []byte, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for in := tar.NewReader(bytes.NewReader(archive)); ; {
		head, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := filepath.FromSlash(strings.TrimSuffix(head.Name, "/"))
		switch head.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(name, 0o700)
		case tar.TypeReg:
			var content []byte
			if content, err = io.ReadAll(in); err == nil {
				err = errors.Join(root.MkdirAll(filepath.Dir(name), 0o700), root.WriteFile(name, content, 0o600))
			}
		case tar.TypeSymlink:
			err = root.Symlink(head.Linkname, name)
		}
		if err != nil {
			return err
		}
	}
}

// find returns the package as it was, and whether it was there.
func (r *revision) find(p goPackage) (old goPackage, there bool, err error) {
	dir, err := filepath.EvalSymlinks(p.Dir)
	if err != nil {
		return old, false, err
	}
	relative, err := filepath.Rel(r.repository, dir)
	if err != nil {
		return old, false, err
	}
	old = goPackage{Dir: filepath.Join(r.dir, relative), ImportPath: p.ImportPath, Name: p.Name}
	files, err := filepath.Glob(filepath.Join(old.Dir, "*.go"))
	for _, file := range files {
		if name := filepath.Base(file); !strings.HasSuffix(name, "_test.go") {
			old.GoFiles = append(old.GoFiles, name)
		}
	}
	return old, len(old.GoFiles) > 0, err
}
