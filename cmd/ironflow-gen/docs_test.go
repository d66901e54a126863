package main

import (
	"bytes"
	"os"
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
	doc := readDoc(t, "generator.md")
	for _, cmd := range commands() {
		if cmd.name != "generate" && !strings.Contains(doc, "| `ironflow-gen "+cmd.name) {
			t.Errorf("docs/generator.md does not list %s", cmd.name)
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
	if !strings.Contains(readDoc(t, "generator.md"), "```mermaid\n"+out.String()+"```\n") {
		t.Errorf("docs/generator.md does not have this picture:\n%s", out.String())
	}
}
