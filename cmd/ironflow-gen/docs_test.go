package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func readDoc(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile("../../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestCommandsAreDocumented checks that the table of the documentation has every command, and every help an example.
func TestCommandsAreDocumented(t *testing.T) {
	doc := readDoc(t, "reference/generator.md")
	for _, cmd := range commands() {
		if cmd.name != "generate" && !strings.Contains(doc, "| `ironflow-gen "+cmd.name) {
			t.Errorf("docs/reference/generator.md does not list %s", cmd.name)
		}
		if !strings.Contains(cmd.details, "\nExample") || !strings.Contains(cmd.details, "  ironflow-gen") {
			t.Errorf("the help of %s has no example", cmd.name)
		}
		for _, page := range cmd.docs {
			readDoc(t, page)
		}
		if len(cmd.docs) == 0 && cmd.name != "help" && cmd.name != "version" {
			t.Errorf("the help of %s names no page", cmd.name)
		}
		for line := range strings.Lines(cmd.details) {
			if len([]rune(line)) > 132 && !strings.Contains(line, "https://") {
				t.Errorf("the help of %s has a line of %d columns: %s", cmd.name, len([]rune(line)), line)
			}
		}
	}
}

// TestDiagramOfDocumentation keeps the picture of the documentation as it is drawn.
func TestDiagramOfDocumentation(t *testing.T) {
	var out, errOut bytes.Buffer
	if exit := Run([]string{"diagram", "../../examples/order/order"}, nil, &out, &errOut); exit != exitOK {
		t.Fatal(errOut.String())
	}
	if !strings.Contains(readDoc(t, "reference/generator.md"), "```mermaid\n"+out.String()+"```\n") {
		t.Errorf("docs/reference/generator.md does not have this picture:\n%s", out.String())
	}
}

// TestChanging does what the pages on changes say, and compares what is printed. Each section begins in an empty directory. A block of YAML is the
// declaration; -update rewrites what the commands print.
func TestChanging(t *testing.T) {
	for _, page := range []string{"guide/changing.md", "guide/versions.md"} {
		t.Run(page, func(t *testing.T) { followPage(t, page) })
	}
}

func followPage(t *testing.T, page string) {
	path, err := filepath.Abs("../../docs/" + page)
	if err != nil {
		t.Fatal(err)
	}
	content := readDoc(t, page)
	t.Chdir(t.TempDir())
	var all strings.Builder
	language, block := "", ""
	for line := range strings.Lines(content) {
		switch {
		case strings.HasPrefix(line, "## "):
			t.Chdir(t.TempDir())
			all.WriteString(line)
		case language == "" && strings.HasPrefix(line, "```"):
			language, block = strings.TrimSpace(line[3:]), ""
			all.WriteString(line)
		case language != "" && line == "```\n":
			switch language {
			case "yaml":
				if err := os.WriteFile("door.ironflow.yaml", []byte(block), 0o644); err != nil {
					t.Fatal(err)
				}
			case "console":
				block = console(t, block)
			}
			all.WriteString(block + line)
			language = ""
		case language != "":
			block += line
		default:
			all.WriteString(line)
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if all.String() != content {
		t.Errorf("run this test with -update; docs/%s would say:\n%s", page, all.String())
	}
}

// console runs the commands of a block, "$ cat" among them, and returns it with what they print.
func console(t *testing.T, block string) string {
	t.Helper()
	var all strings.Builder
	for line := range strings.Lines(block) {
		if !strings.HasPrefix(line, "$ ") {
			continue
		}
		all.WriteString(line)
		words := strings.Fields(line[2:])
		if words[0] == "cat" {
			content, err := os.ReadFile(words[1])
			if err != nil {
				t.Fatal(err)
			}
			all.Write(content)
			continue
		}
		var out, errOut bytes.Buffer
		Run(words[1:], strings.NewReader(""), &out, &errOut)
		stubs, _, _ := strings.Cut(out.String(), "\nto paste") // which are long
		all.WriteString(errOut.String() + stubs)
	}
	return all.String()
}
