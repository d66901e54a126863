// Command pictures draws the pictures of the documentation: each .txt in this directory becomes an .svg beside it, and the declaration of
// the order example becomes order.svg. "make pictures" runs it.
//
// The first line of a .txt is the title and the second describes the picture. "id: Name | more | more" is a box, with a double line if "*" precedes it.
// "a -> b: text" is an arrow, whose text may be left out. Other lines that are not empty are mistakes.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/ironflow-gen/ironflow/internal/statechart"
	"github.com/ironflow-gen/ironflow/internal/statechart/svg"
)

//go:generate go run .
//go:generate go run ../../cmd/ironflow-gen diagram -o order.svg ../../examples/order/order

func main() {
	log.SetFlags(0)
	sources, err := filepath.Glob("*.txt")
	if err != nil || len(sources) == 0 {
		log.Fatal("run this in docs/pictures: ", err)
	}
	for _, source := range sources {
		if err := draw(source, strings.TrimSuffix(source, ".txt")+".svg"); err != nil {
			log.Fatalf("%s: %v", source, err)
		}
	}
}

// draw writes the picture of a source.
func draw(source, picture string) error {
	text, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	machine, doc, err := parse(string(text))
	if err != nil {
		return err
	}
	drawn, err := svg.Draw(machine, doc, svg.Marks{})
	if err != nil {
		return err
	}
	return os.WriteFile(picture, drawn, 0o644)
}

// parse reads a source. Boxes come before the arrows between them.
func parse(text string) (m *statechart.Machine, doc string, err error) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) < 2 {
		return nil, "", fmt.Errorf("there is no title and description")
	}
	m, doc = &statechart.Machine{Name: lines[0]}, lines[1]
	number := make(map[string]int)
	for i, line := range lines[2:] {
		left, text, _ := strings.Cut(line, ":")
		if from, to, is := strings.Cut(left, " -> "); is {
			a, known := number[from]
			b, alsoKnown := number[to]
			if !known || !alsoKnown {
				return nil, "", fmt.Errorf("line %d: there is no such box", i+3)
			}
			way := statechart.Way{Input: strings.TrimSpace(text)}
			m.Add(a, b, way)
			continue
		}
		parts := strings.Split(text, "|")
		for k := range parts {
			parts[k] = strings.TrimSpace(parts[k])
		}
		if parts[0] == "" {
			if strings.TrimSpace(line) != "" {
				return nil, "", fmt.Errorf("line %d is neither a box nor an arrow", i+3)
			}
			continue
		}
		id, yours := strings.CutPrefix(left, "*")
		number[id] = len(m.States)
		m.States = append(m.States, statechart.State{Name: parts[0], Notes: parts[1:], Terminal: yours})
	}
	return m, doc, nil
}
