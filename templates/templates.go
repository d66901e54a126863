// Package templates holds the text of the files that belong to the user once they are written: the skeleton of a
// workflow, and the sample that "ironflow-gen init" begins with. gen/scaffold and gen/generate/starter render them.
package templates

import (
	"embed"
	"strings"
	"text/template"
)

//go:embed skeleton/*.tmpl init/*.tmpl
var files embed.FS

// Skeleton has decider.go, handler.go and decider_test.go for any declaration, by these names; stub is a method that is yet
// to be written, and stubs.go the head of a file for such methods.
var Skeleton = parse("skeleton/*.tmpl")

// Init has the files of the sample package and its main.go, by their names with workflow.ironflow.yaml or workflow.go for
// the declaration. generate.go belongs to the former; the latter says itself how it is generated.
var Init = parse("init/*.tmpl")

func parse(pattern string) *template.Template {
	all := template.Must(template.New("").Option("missingkey=error").ParseFS(files, pattern))
	named := template.New("")
	for _, t := range all.Templates() {
		template.Must(named.AddParseTree(strings.TrimSuffix(t.Name(), ".tmpl"), t.Tree))
	}
	return named
}
