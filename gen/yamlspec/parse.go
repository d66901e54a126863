// Package yamlspec reads workflow declarations written in YAML.
//
// [Parse] turns a file into a [spec.Workflow] and reports every mistake in it at once, each with its position. It
// decodes YAML into nodes and walks them by hand, because decoding into structs keeps neither positions nor the order
// of keys, and stops at the first mistake. What a declaration means is checked by [spec.Validate]; this package only
// checks how it is written.
package yamlspec

import (
	"bytes"
	"errors"
	"io"
	"regexp"

	"gopkg.in/yaml.v3"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// maxBytes limits a file. The largest sensible declaration is a small part of this.
const maxBytes = 1 << 20

// Parse reads a declaration. file is the name for positions; it is not opened. When there are mistakes, the error is a
// [spec.Errors] with all of them and there is no workflow.
func Parse(file string, src []byte) (*spec.Workflow, error) {
	var d spec.Diagnostics
	w := parse(file, src, &d)
	if err := d.Err(); err != nil {
		return nil, err
	}
	return w, nil
}

// parse returns nil when the file cannot be read far enough to validate it.
func parse(file string, src []byte, d *spec.Diagnostics) *spec.Workflow {
	s, root := decode(file, src, d)
	if root == nil {
		return nil
	}
	r := &reader{src: s, d: d}
	w := r.workflow(root)
	if w == nil || r.spent {
		return nil
	}
	spec.Validate(w, d)
	return w
}

// Decode reads a declaration as YAML without looking at what it says, for tools that work on the text. The lines and
// columns of the nodes count as in positions of diagnostics. The error is a [spec.Errors].
func Decode(file string, src []byte) (*yaml.Node, error) {
	var d spec.Diagnostics
	s, root := decode(file, src, &d)
	if root != nil {
		s.relocate(root)
	}
	return root, d.Err()
}

// relocate turns the marks of the parser into positions.
func (s *source) relocate(n *yaml.Node) {
	pos := s.at(s.offset(n.Line, n.Column))
	n.Line, n.Column = pos.Line, pos.Col
	for _, child := range n.Content {
		s.relocate(child)
	}
}

// decode returns no root when there is none, which is reported then.
func decode(file string, src []byte, d *spec.Diagnostics) (*source, *yaml.Node) {
	if len(src) > maxBytes {
		d.Report(spec.Pos{File: file, Line: 1, Col: 1}, diagnostic.FileTooLarge, "the file is %d bytes; a declaration may be at most 1 MiB", len(src))
		return nil, nil
	}
	s := newSource(file, src)
	if !s.check(d) {
		return nil, nil
	}
	return s, s.document(d)
}

// documentMark begins a document.
var documentMark = regexp.MustCompile(`(?m)^---(?:\s|\z)`)

// document decodes the one YAML document of the file and returns its root, or nil after reporting why there is none.
func (s *source) document(d *spec.Diagnostics) *yaml.Node {
	decoder := yaml.NewDecoder(bytes.NewReader(s.text))
	var doc, second yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		d.Report(s.at(0), diagnostic.EmptyFile, `the file is empty; a declaration begins with "ironflow: 1"`)
		return nil
	case err != nil:
		s.syntaxError(d, err)
		return nil
	}
	switch err := decoder.Decode(&second); {
	case err == nil && (len(second.Content) == 0 || isNull(second.Content[0])):
		begins := documentMark.FindAllIndex(s.text, -1)
		d.Report(s.at(begins[len(begins)-1][0]), diagnostic.SecondDocument, "a second YAML document begins here and holds nothing; delete this line")
		return nil
	case err == nil:
		d.Report(s.at(s.offset(second.Line, second.Column)), diagnostic.SecondDocument, "a second YAML document begins here; a file holds one declaration")
		return nil
	case !errors.Is(err, io.EOF):
		s.syntaxError(d, err)
		return nil
	}
	root := doc.Content[0]
	if isNull(root) {
		d.Report(s.at(0), diagnostic.EmptyFile, `the file is empty; a declaration begins with "ironflow: 1"`)
		return nil
	}
	return root
}
