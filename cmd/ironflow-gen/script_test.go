package main

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ironflow-gen/ironflow/gen/generate/buildinfo"
)

var update = flag.Bool("update", false, "rewrite the transcripts in testdata")

// TestScripts runs the commands that each archive in testdata begins with, in a directory that holds its files. The file
// "transcript" of an archive is what the commands print, with "2>" before the lines of standard error; the file "tree"
// lists the files that there are in the end, and marks those that are not as they were with a star.
func TestScripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { runScript(t, path) })
	}
}

func runScript(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	path, err = filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	want := map[string]string{"transcript": "", "tree": ""}
	given := make(map[string][]byte)
	for _, f := range archive.Files {
		if _, expected := want[f.Name]; expected {
			want[f.Name] = string(f.Data)
			continue
		}
		given[f.Name] = f.Data
		if err := os.MkdirAll(filepath.Dir(f.Name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.Name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}

	got := map[string]string{"transcript": transcript(t, string(archive.Comment)), "tree": tree(t, given)}
	if *update {
		archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { _, expected := want[f.Name]; return expected })
		archive.Files = append(archive.Files,
			txtar.File{Name: "transcript", Data: []byte(got["transcript"])}, txtar.File{Name: "tree", Data: []byte(got["tree"])})
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("the %s differs; got:\n%s\nwant:\n%s", name, got[name], want[name])
		}
	}
}

// transcript runs the lines of a script that begin with "$ ironflow-gen", or with "$ go generate" to run it as that command
// does; "$ rm" and "$ mv" change files in between. The directory of this module is written as CHECKOUT, and the beginning of
// a terminal's escape sequence as ␛.
func transcript(t *testing.T, script string) string {
	t.Helper()
	var all strings.Builder
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if changeFiles(t, line) {
			all.WriteString(line + "\n")
			continue
		}
		args, ok := strings.CutPrefix(line, "$ ironflow-gen")
		goFile := ""
		if line == "$ go generate" {
			args, ok, goFile = "", true, "generate.go"
		}
		if !ok {
			continue
		}
		t.Setenv("GOFILE", goFile)
		var out, errOut bytes.Buffer
		exit := Run(strings.Fields(args), strings.NewReader(""), &out, &errOut)
		fmt.Fprintf(&all, "%s\n%s", line, out.String())
		for errLine := range strings.Lines(errOut.String()) {
			all.WriteString("2> " + errLine)
		}
		fmt.Fprintf(&all, "[exit %d]\n", exit)
	}
	return strings.NewReplacer(buildinfo.Current().Checkout, "CHECKOUT", "\x1b[", "␛").Replace(all.String())
}

// changeFiles runs "$ rm file" and "$ mv from to", and reports whether the line is one of them.
func changeFiles(t *testing.T, line string) bool {
	t.Helper()
	var err error
	switch words := strings.Fields(line); {
	case len(words) == 3 && words[0] == "$" && words[1] == "rm":
		err = os.Remove(words[2])
	case len(words) == 4 && words[0] == "$" && words[1] == "mv":
		err = os.Rename(words[2], words[3])
	default:
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	return true
}

// tree lists the files of the working directory.
func tree(t *testing.T, given map[string][]byte) string {
	t.Helper()
	var all strings.Builder
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		mark := "*"
		if before, ok := given[path]; ok && bytes.Equal(before, content) {
			mark = " "
		}
		fmt.Fprintf(&all, "%s %s\n", mark, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// TestTenMistakes checks that each mistake of the sample file is printed with its position, in one run.
func TestTenMistakes(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	var out, errOut bytes.Buffer
	if exit := Run([]string{"./testdata/mistakes"}, strings.NewReader(""), &out, &errOut); exit != exitFailed || out.Len() > 0 {
		t.Errorf("exit %d, output %q", exit, out.String())
	}
	lines := make(map[int]bool)
	for text := range strings.Lines(errOut.String()) {
		var line, column int
		if _, err := fmt.Sscanf(text, "testdata/mistakes/mistakes.ironflow.yaml:%d:%d: ", &line, &column); err != nil {
			t.Errorf("no position in %q", text)
		}
		lines[line] = true
	}
	if len(lines) < 10 {
		t.Errorf("mistakes in %d lines, want at least 10:\n%s", len(lines), errOut.String())
	}
}
