package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sixWords are what the mistakes of testdata/six are about, in their order.
var sixWords = []string{"tine", "Jammed", "Opne", "30", "opne", "Rign"}

// sixFiles are the two forms of the same declaration with the same mistakes.
var sixFiles = []string{"testdata/six/yaml/door.ironflow.yaml", "testdata/six/gotypes/door.go"}

var (
	sixLine   = regexp.MustCompile(`^(\S+):(\d+):(\d+): .* \[(IF\d{4})\]$`)
	sixHead   = regexp.MustCompile(`^(\S+:\d+:\d+): error\[(IF\d{4})\]: .+`)
	sixSource = regexp.MustCompile(`^ *(\d+) \| (.*)$`)
	sixCarets = regexp.MustCompile(`^ *\| ( *)\^(~*)$`)
)

// TestSix checks what is printed of six mistakes in one run, in both forms: plain and as JSON they are sorted and stand where the
// wrong words are; in colour and on a terminal each has its line of source, and a caret below the word.
func TestSix(t *testing.T) {
	doc := readDoc(t, "reference/generator.md")
	eachSix(t, func(dir, file, source string) {
		run := func(args ...string) (out, errOut string) {
			t.Helper()
			var stdout, stderr bytes.Buffer
			if exit := Run(append(args, dir), strings.NewReader(""), &stdout, &stderr); exit != exitFailed {
				t.Errorf("%s: exit %d", file, exit)
			}
			return stdout.String(), stderr.String()
		}
		t.Run(filepath.Base(dir), func(t *testing.T) {
			out, plain := run()
			places := plainSix(t, file, source, plain)
			if out != "" || strings.Contains(plain, "\x1b") {
				t.Errorf("got %q and %q", out, plain)
			}
			if _, never := run("-color=never"); never != plain {
				t.Errorf("without colours it is\n%s\nand not\n%s", never, plain)
			}
			_, colored := run("-color=always")
			if !strings.Contains(colored, "\x1b[") {
				t.Errorf("no colours:\n%s", colored)
			}
			snippetsOfSix(t, places, source, colored)
			out, errOut := run("-json")
			if errOut != "" {
				t.Errorf("with -json there is %q too", errOut)
			}
			jsonOfSix(t, places, out)
			if !strings.Contains(doc, "\n$ go run ./cmd/ironflow-gen "+dir+"\n"+plain) {
				t.Errorf("docs/reference/generator.md does not have the command for %s with what it prints:\n%s", dir, plain)
			}
		})
	})
}

// eachSix goes to the root of the module, and calls f for each of the files.
func eachSix(t *testing.T, f func(dir, file, source string)) {
	t.Helper()
	t.Chdir(filepath.Join("..", ".."))
	for _, file := range sixFiles {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f("./"+filepath.ToSlash(filepath.Dir(file)), file, string(source))
	}
}

// plainSix checks the lines without a terminal, and returns the places in them, each with its code.
func plainSix(t *testing.T, file, source, text string) (places []string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) != len(sixWords) {
		t.Fatalf("got %d lines:\n%s", len(lines), text)
	}
	var order [][2]int
	for i, line := range lines {
		m := sixLine.FindStringSubmatch(line)
		if m == nil || m[1] != file {
			t.Fatalf("not a line for programs: %q", line)
		}
		var at [2]int
		fmt.Sscan(m[2]+" "+m[3], &at[0], &at[1])
		order = append(order, at)
		if rest := strings.Split(source, "\n")[at[0]-1][at[1]-1:]; !strings.HasPrefix(rest, sixWords[i]) {
			t.Errorf("%s points to %q, not to %s", line, rest, sixWords[i])
		}
		places = append(places, fmt.Sprintf("%s:%s:%s %s", m[1], m[2], m[3], m[4]))
	}
	if !slices.IsSortedFunc(order, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) }) {
		t.Errorf("not sorted: %v", order)
	}
	return places
}

// snippetsOfSix checks what is printed with the source.
func snippetsOfSix(t *testing.T, places []string, source, text string) {
	t.Helper()
	text = regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(text, "")
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	var found []string
	for i, line := range lines {
		head := sixHead.FindStringSubmatch(line)
		if head == nil {
			continue
		}
		n := len(found)
		found = append(found, head[1]+" "+head[2])
		shown, carets := sixSource.FindStringSubmatch(lines[i+1]), sixCarets.FindStringSubmatch(lines[i+2])
		if shown == nil || carets == nil || n >= len(sixWords) {
			t.Fatalf("no source and caret below %q:\n%s", line, text)
		}
		var number int
		fmt.Sscan(shown[1], &number)
		if want := strings.ReplaceAll(strings.Split(source, "\n")[number-1], "\t", "    "); shown[2] != want {
			t.Errorf("line %d is shown as %q, and is %q", number, shown[2], want)
		}
		from := len(carets[1])
		if word := shown[2][from : from+1+len(carets[2])]; word != sixWords[n] {
			t.Errorf("the caret of %q is below %q, not %q", line, word, sixWords[n])
		}
	}
	if !slices.Equal(found, places) {
		t.Errorf("got %q, want %q", found, places)
	}
}

func jsonOfSix(t *testing.T, places []string, text string) {
	t.Helper()
	var doc struct {
		Diagnostics []struct {
			File, Code                       string
			Line, Column, EndLine, EndColumn int
		}
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil || strings.Count(text, "\n") != 1 {
		t.Fatalf("%v in\n%s", err, text)
	}
	var found []string
	for i, d := range doc.Diagnostics {
		found = append(found, fmt.Sprintf("%s:%d:%d %s", d.File, d.Line, d.Column, d.Code))
		if i < len(sixWords) && (d.EndLine != d.Line || d.EndColumn-d.Column != len(sixWords[i])) {
			t.Errorf("%+v does not end behind %s", d, sixWords[i])
		}
	}
	if !slices.Equal(found, places) {
		t.Errorf("got %q, want %q", found, places)
	}
}
