package gospec

import (
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// declared is a type or a constant with the directives in its comments.
type declared struct {
	name       *ast.Ident
	spec       ast.Spec
	doc        string
	directives []*directive
}

// take returns the directive of a name, nil when there is none.
func (d *declared) take(name string) *directive {
	for _, dir := range d.directives {
		if dir.name == name {
			dir.used = true
			return dir
		}
	}
	return nil
}

// free is a directive that stands for itself, or on something that it is not about.
type free struct {
	*directive
	doc string
	on  *declared // the type in whose comment it stands; nil for a comment of its own
}

// names are the directives, in the order in which they are explained.
var names = []string{
	"workflow", "input", "event", "effect", "timer", "schedule", "rejection", "accepts", "terminal", "waits", "retired", "type", "allow",
}

// places say where each directive belongs.
var places = map[string]string{
	"workflow":  "the comment of the struct that holds the state",
	"input":     "the comment of a struct",
	"event":     "the comment of a struct",
	"effect":    "the comment of a struct",
	"rejection": "the comment of a struct",
	"type":      "the comment of a type",
	"timer":     "a comment of its own, or that of a type",
	"schedule":  "a comment of its own, or that of a type",
	"accepts":   "the comment of a constant that is one of the states",
	"terminal":  "the comment of a constant that is one of the states",
	"retired":   "the comment of a constant that is one of the states",
	"waits":     "the comment of a constant that is one of the states",
	"allow":     "a comment of its own, or that of a type",
}

// others are lines of this form that other parts of ironflow read.
var others = []string{"ignore"}

// collect finds the directives of all files, and what they stand on.
func (r *reader) collect() {
	for _, file := range r.files {
		owners := make(map[*ast.CommentGroup]*declared)
		for _, decl := range file.Decls {
			r.collectDecl(decl, owners)
		}
		for _, group := range file.Comments {
			r.collectGroup(file, group, owners[group])
		}
	}
}

// collectDecl notes the types and constants of a declaration, and which comments are about them.
func (r *reader) collectDecl(decl ast.Decl, owners map[*ast.CommentGroup]*declared) {
	d, ok := decl.(*ast.GenDecl)
	if !ok {
		return
	}
	for _, s := range d.Specs {
		var on declared
		var groups []*ast.CommentGroup
		switch s := s.(type) {
		case *ast.TypeSpec:
			on = declared{name: s.Name, spec: s}
			groups = []*ast.CommentGroup{s.Doc, s.Comment}
		case *ast.ValueSpec:
			if d.Tok != token.CONST {
				continue
			}
			on = declared{name: s.Names[0], spec: s}
			groups = []*ast.CommentGroup{s.Doc, s.Comment}
		default:
			continue
		}
		if !d.Lparen.IsValid() {
			groups = slices.Insert(groups, 0, d.Doc)
		}
		on.doc = docText(groups...)
		for _, g := range groups {
			if g != nil {
				owners[g] = &on
			}
		}
		if d.Tok == token.CONST {
			r.constants = append(r.constants, &on)
		} else {
			r.types = append(r.types, &on)
		}
	}
}

// declarationOf returns the declaration of a type of the package, nil for another object.
func (r *reader) declarationOf(obj types.Object) *declared {
	for _, d := range r.types {
		if d.name.Pos() == obj.Pos() {
			return d
		}
	}
	return nil
}

// eachConstant calls f for the constants of a type, but those without a name, in the order of the source.
func (r *reader) eachConstant(of types.Type, f func(c *declared, name *ast.Ident, obj *types.Const)) {
	for _, c := range r.constants {
		for _, name := range c.spec.(*ast.ValueSpec).Names {
			if obj, _ := r.info.Defs[name].(*types.Const); obj != nil && name.Name != "_" && types.Identical(obj.Type(), of) {
				f(c, name, obj)
			}
		}
	}
}

// fileOf returns the file of a position, nil when it is in none of those that belong to the package.
func (r *reader) fileOf(pos token.Pos) *ast.File {
	for _, file := range r.files {
		if file.FileStart <= pos && pos < file.FileEnd {
			return file
		}
	}
	return nil
}

// spaced is a directive that somebody has set apart from its slashes, with which it is only a comment.
var spaced = regexp.MustCompile(`^//\s+` + tool + `:([a-z]+)(\s|$)`)

// collectGroup reads the directives of one comment.
func (r *reader) collectGroup(file *ast.File, group *ast.CommentGroup, on *declared) {
	for _, c := range group.List {
		if m := spaced.FindStringSubmatch(c.Text); m != nil && slices.Contains(names, m[1]) {
			r.report(c.Slash, diagnostic.DirectiveSyntax, `a directive has no space before its name, so this one is only a comment; write "//%s:%s"`, tool, m[1])
			continue
		}
		if !strings.HasPrefix(c.Text, "//"+tool+":") {
			continue
		}
		d := r.parseDirective(c)
		switch {
		case d == nil:
		case !slices.Contains(names, d.name):
			_, hint := spec.SuggestKey(d.name, names)
			if hint == "" {
				hint = "the directives are " + strings.Join(names, ", ")
			}
			r.report(d.pos+token.Pos(len("//"+tool+":")), diagnostic.UnknownDirective, "%s is no directive; %s", diagnostic.Shorten(d.what()), hint)
			r.vague = true
		case d.name == "timer" || d.name == "schedule" || d.name == "allow":
			if on == nil && within(file, group) {
				r.misplaced(d)
				continue
			}
			f := free{directive: d, on: on}
			if on == nil {
				f.doc = docText(group)
			}
			r.free = append(r.free, f)
		case on == nil:
			r.misplaced(d)
		default:
			on.directives = append(on.directives, d)
		}
	}
}

// within reports whether a comment stands in a declaration, or is about one.
func within(file *ast.File, group *ast.CommentGroup) bool {
	for _, decl := range file.Decls {
		if decl.Pos() <= group.Pos() && group.Pos() < decl.End() {
			return true
		}
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Doc == group {
				return true
			}
		case *ast.GenDecl:
			if d.Doc == group {
				return true
			}
		}
	}
	return file.Doc == group
}

// misplaced reports a directive that stands where it says nothing.
func (r *reader) misplaced(d *directive) {
	d.used = true
	r.vague = true
	r.report(d.pos, diagnostic.MisplacedDirective, "%s says nothing here; it belongs in %s", d.what(), places[d.name])
}

// unused reports the directives that stand on something else than they belong to.
func (r *reader) unused() {
	for _, on := range slices.Concat(r.types, r.constants) {
		for _, d := range on.directives {
			if !d.used {
				r.misplaced(d)
			}
		}
	}
}

// docText returns the text of comments without the directives among them.
func docText(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if text := strings.TrimRight(spec.DocText(g.Text()), " \t\n"); text != "" {
			return text
		}
	}
	return ""
}
