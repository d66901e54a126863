package yamlspec

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

const (
	// maxTypeDepth limits how deep list<...>, map<...> and optional<...> nest.
	maxTypeDepth = 8
	// maxTypeBytes is room for a name of any allowed length at that depth.
	maxTypeBytes = 500
)

// containers are the types that hold another one.
var containers = map[string]spec.Kind{"list": spec.List, "map": spec.Map, "optional": spec.Optional}

var (
	typeName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	goMap      = regexp.MustCompile(`^map\[\s*\w*\s*\](.*)$`)
	keyedMap   = regexp.MustCompile(`^map<\s*\w+\s*,(.*)>$`)
	orNull     = regexp.MustCompile(`^([^|]+)\|\s*(?:null|nil|undefined|None)$`)
	parameters = regexp.MustCompile(`^(\w+)\s*<(.*)>$`)
	unclosed   = regexp.MustCompile(`^(list|map|optional)\b`)
)

// typeRef reads a type like list<Item>.
func (r *reader) typeRef(n *yaml.Node, what string) spec.TypeRef {
	n = r.resolve(n)
	switch {
	case n == nil:
		return spec.TypeRef{}
	case n.Kind == yaml.SequenceNode:
		r.report(n, diagnostic.BadType, "the type of %s is written as a YAML list; write list<T>", what)
		return spec.TypeRef{Pos: r.pos(n)}
	case isNull(n) && n.Anchor != "":
		r.report(n, diagnostic.ForeignType, `YAML takes "&%s" for the name of a value; %s`, diagnostic.Shorten(n.Anchor), typeHint("&"+n.Anchor))
		return spec.TypeRef{Pos: r.pos(n)}
	case n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str":
		r.report(n, diagnostic.BadType, "the type of %s must be a type like string or list<Item>, not %s", what, found(n))
		return spec.TypeRef{Pos: r.pos(n)}
	case len(n.Value) > maxTypeBytes:
		r.report(n, diagnostic.LargeType, "the type of %s is %d bytes long; a type may be at most %d", what, len(n.Value), maxTypeBytes)
		return spec.TypeRef{Pos: r.pos(n)}
	}
	e := typeExpr{reader: r, what: what, node: n, pos: r.pos(n)}
	return e.parse(n.Value, 0, 0)
}

// typeExpr is one type being read.
type typeExpr struct {
	*reader
	what string
	node *yaml.Node
	pos  spec.Pos
}

// at returns the position of a byte of the type. Within quotes it is exact because types have no use for escapes.
func (e typeExpr) at(offset int) spec.Pos {
	pos := e.pos
	if e.node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return pos
	}
	if e.node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		offset++
	}
	start := e.src.offset(e.node.Line, e.node.Column)
	if end := min(start+offset+1, len(e.src.text)); bytes.IndexByte(e.src.text[start:end], '\n') >= 0 {
		return pos // the text goes over several lines
	}
	pos.Col += offset
	return pos
}

// parse reads text, which begins at offset of the whole type.
func (e typeExpr) parse(text string, offset, depth int) spec.TypeRef {
	trimmed := strings.TrimLeft(text, " ")
	offset += len(text) - len(trimmed)
	text = strings.TrimRight(trimmed, " ")
	ref := spec.TypeRef{Pos: e.at(offset)}

	if depth > maxTypeDepth {
		e.d.Report(ref.Pos, diagnostic.LargeType, "the type of %s nests more than %d deep; declare a type for the inner part", e.what, maxTypeDepth)
		return ref
	}
	if typeName.MatchString(text) && containers[text] == 0 {
		ref.Name = text
		ref.Kind = spec.Declared
		if spec.IsScalar(text) {
			ref.Kind = spec.Scalar
		}
		return ref
	}
	if m := parameters.FindStringSubmatchIndex(text); m != nil && containers[text[m[2]:m[3]]] != 0 && !keyedMap.MatchString(text) {
		elem := e.parse(text[m[4]:m[5]], offset+m[4], depth+1)
		if elem.Kind != 0 {
			ref.Kind, ref.Elem = containers[text[m[2]:m[3]]], &elem
		}
		return ref
	}
	e.d.Report(ref.Pos, diagnostic.BadType, "the type of %s is %q; %s", e.what, diagnostic.Shorten(text), typeHint(text))
	return ref
}

// typeHint says how to write a type that is written as in another language.
func typeHint(text string) string {
	switch {
	case text == "":
		return "write a type like string, Item or list<Item>"
	case containers[text] != 0 || unclosed.MatchString(text) && !strings.ContainsAny(text, "[,"):
		return fmt.Sprintf("write %s<T>, with the type that it holds between < and >", unclosed.FindString(text))
	}
	translated := translate(text)
	first, _, generic := strings.Cut(text, "<")
	switch {
	case generic && spec.IsUnionWord(strings.TrimSpace(first)), strings.Contains(text, "|") && translated == unknownType:
		return spec.Union
	case translated == unknownType:
		return "write the name of a type, list<T>, map<T> or optional<T>"
	case strings.Contains(translated, "map<"):
		return fmt.Sprintf("write %s; keys are always strings", translated)
	}
	return "write " + translated
}

// unknownType stands in a hint for a type that cannot be told.
const unknownType = "T"

// translate turns a type of Go or another language into one of the declaration.
func translate(text string) string {
	text = strings.TrimSpace(text)
	scalar := spec.ScalarFor(text)
	switch {
	case scalar != "":
		return scalar
	case strings.HasPrefix(text, "[]"):
		return "list<" + translate(text[2:]) + ">"
	case strings.HasSuffix(text, "[]"):
		return "list<" + translate(text[:len(text)-2]) + ">"
	case strings.HasSuffix(text, "?"):
		return "optional<" + translate(text[:len(text)-1]) + ">"
	case strings.HasPrefix(text, "*"), strings.HasPrefix(text, "&"):
		return "optional<" + translate(text[1:]) + ">"
	case goMap.MatchString(text):
		return "map<" + translate(goMap.FindStringSubmatch(text)[1]) + ">"
	case orNull.MatchString(text):
		return "optional<" + translate(orNull.FindStringSubmatch(text)[1]) + ">"
	case keyedMap.MatchString(text):
		return "map<" + translate(keyedMap.FindStringSubmatch(text)[1]) + ">"
	case parameters.MatchString(text):
		if m := parameters.FindStringSubmatch(text); containers[m[1]] != 0 {
			return m[1] + "<" + translate(m[2]) + ">"
		}
	case typeName.MatchString(text):
		return text
	}
	return unknownType
}
