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
	head, body := cutHead(text)
	bodyRoot := root
	if len(head) > 0 {
		if bodyRoot, err = yamlspec.Decode(file, body); err != nil {
			return nil, err
		}
	}
	s := newSource(body, bodyRoot)
	p := &printer{source: s, comments: s.comments}
	p.document(bodyRoot)
	out := append(head, p.bytes()...)
	if err := same(file, root, newSource(text, root).comments, out); err != nil {
		return nil, err
	}
	return out, nil
}

// cutHead splits a text behind the "---" that begins its document, if there is one, with the comments and the directives before it. What
// follows on the same line belongs to the body, unless it is a tag or an anchor, which the printer writes behind a "---" of its own.
func cutHead(text []byte) (head, body []byte) {
	for rest := text; len(rest) > 0; {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		trimmed := bytes.TrimSpace(line)
		value, isMark := bytes.CutPrefix(line, []byte("---"))
		switch {
		case len(trimmed) == 0:
		case trimmed[0] == '#', line[0] == '%':
			head = append(append(head, trimmed...), '\n')
		case isMark && (len(value) == 0 || isSpace(value[0])) && !bytes.ContainsAny(bytes.TrimSpace(value)[:min(1, len(bytes.TrimSpace(value)))], "!&"):
			return append(head, "---\n"...), rest[len("---"):]
		default:
			return nil, text
		}
		rest = after
	}
	return nil, text
}

// plainText removes what the layout does not keep: a byte order mark and carriage returns.
func plainText(src []byte) []byte {
	return bytes.ReplaceAll(bytes.TrimPrefix(src, []byte("\ufeff")), []byte("\r\n"), []byte("\n"))
}

// checkLines refuses carriage returns at which only YAML ends a line. The parser refuses its other line ends.
func checkLines(file string, text []byte) error {
	var d diagnostic.List
	if i := bytes.IndexByte(text, '\r'); i >= 0 {
		line := bytes.Count(text[:i], []byte("\n")) + 1
		d.Report(diagnostic.Pos{File: file, Line: line, Col: i - bytes.LastIndexByte(text[:i], '\n')}, diagnostic.OddLineBreak,
			"a carriage return alone ends a line for YAML and not for editors; replace it by a line feed")
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
