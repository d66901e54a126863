// Package format lays declarations out in the one way that everybody's look alike, as gofmt does for Go.
//
// It changes nothing but the layout: names, texts, comments and their order stay. Entries are indented by two spaces. What
// is written between brackets stays there if it fits on a line and was on one; else it gets a line for each entry. There
// is one blank line at most between two entries, and always one around the sections of a declaration that have a line for
// each entry. Texts over several lines without quotes are filled up to 100 columns. Comments behind consecutive lines are
// aligned, and so are values that were.
package format

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// Source returns a declaration in the canonical layout. The declaration may have mistakes, but it must be YAML; if it is
// not, the error is a [diagnostic.Errors]. file is the name for positions; it is not opened. Source(Source(x)) is Source(x).
func Source(file string, src []byte) ([]byte, error) {
	text := plainText(src)
	if err := checkLines(file, text); err != nil {
		return nil, err
	}
	root, err := yamlspec.Decode(file, text)
	if err != nil {
		return nil, err
	}
	if err := checkNodes(file, root); err != nil {
		return nil, err
	}
	s := newSource(text, root)
	p := &printer{source: s, comments: s.comments}
	p.document(root)
	out := p.bytes()
	if err := same(file, root, s.comments, out); err != nil {
		return nil, err
	}
	return out, nil
}

// plainText removes what the layout does not keep: a byte order mark and carriage returns.
func plainText(src []byte) []byte {
	return bytes.ReplaceAll(bytes.TrimPrefix(src, []byte("\ufeff")), []byte("\r\n"), []byte("\n"))
}

// checkLines refuses ends of lines at which only YAML ends one.
func checkLines(file string, text []byte) error {
	var d diagnostic.List
	if i := bytes.IndexAny(text, "\r\u0085\u2028\u2029"); i >= 0 {
		line := bytes.Count(text[:i], []byte("\n")) + 1
		d.Report(diagnostic.Pos{File: file, Line: line, Col: i - bytes.LastIndexByte(text[:i], '\n')}, diagnostic.OddLineBreak,
			"this ends a line for YAML and not for editors; replace it by a line feed")
	}
	return d.Err()
}

// checkNodes refuses what is no mapping, keys that are not names, and odd tags.
func checkNodes(file string, root *yaml.Node) error {
	var d diagnostic.List
	if root.Kind != yaml.MappingNode {
		d.Report(diagnostic.Pos{File: file, Line: root.Line, Col: root.Column}, diagnostic.NotMapping, "a declaration is a mapping of names")
		return d.Err()
	}
	reportNodes(file, root, &d)
	return d.Err()
}

// maxKey is what YAML allows for a key without a "?" before it.
const maxKey = 1000

// isName reports whether a key can stand on one line with its colon.
func isName(key *yaml.Node) bool {
	switch {
	case key.Kind == yaml.AliasNode:
		return true
	case key.Kind != yaml.ScalarNode || key.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return false
	}
	return !strings.Contains(key.Value, "\n") && len(key.Value) <= maxKey && (key.Value != "" || isQuoted(key))
}

// plainTag is a tag that means the same however it is written.
var plainTag = regexp.MustCompile(`^!{0,2}[A-Za-z0-9_.:/-]*$`)

func reportNodes(file string, n *yaml.Node, d *diagnostic.List) {
	if n.Style&yaml.TaggedStyle != 0 && !plainTag.MatchString(n.ShortTag()) {
		d.Report(diagnostic.Pos{File: file, Line: n.Line, Col: n.Column}, diagnostic.OddTag,
			"the tag %q has characters that no declaration needs; remove it", n.ShortTag())
	}
	for i, child := range n.Content {
		if isKey := n.Kind == yaml.MappingNode && i%2 == 0; isKey && !isName(child) {
			d.Report(diagnostic.Pos{File: file, Line: child.Line, Col: child.Column}, diagnostic.NotName,
				"a key must be a name on one line")
		}
		reportNodes(file, child, d)
	}
}

// same makes sure that nothing but the layout has changed. It fails only if this package has a mistake.
func same(file string, before *yaml.Node, comments []comment, out []byte) error {
	after, err := yamlspec.Decode(file, out)
	if err == nil && equal(before, after) {
		now := newSource(out, after).comments
		if slices.EqualFunc(comments, now, func(a, b comment) bool { return a.text == b.text }) {
			return nil
		}
	}
	return fmt.Errorf("%s: the formatter would change what the declaration says, which is a mistake in it; the file stays as it is", file)
}

// equal reports whether two trees say the same.
func equal(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || a.Anchor != b.Anchor || len(a.Content) != len(b.Content) || a.Value != b.Value || a.ShortTag() != b.ShortTag() {
		return false
	}
	for i := range a.Content {
		if !equal(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}
