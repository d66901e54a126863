package vet

import (
	"go/ast"
	"go/token"
	"reflect"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// directivesAnalyzer reads the comments that suppress findings:
//
//	//ironflow:ignore ANALYZER reason
//
// at the end of the line, or alone on the line above it.
var directivesAnalyzer = &analysis.Analyzer{
	Name:       "ironflowdirectives",
	Doc:        "read //ironflow:ignore comments",
	ResultType: reflect.TypeFor[*directives](),
	Run:        func(pass *analysis.Pass) (any, error) { return readDirectives(pass) },
}

// directive is one such comment.
type directive struct {
	comment  *ast.Comment
	file     *token.File
	alone    bool // there is nothing else on its line
	analyzer string
	reason   string
}

// removal is the comment, with its line when it stands alone.
func (d *directive) removal() analysis.Range {
	at := d.file.Line(d.comment.Pos())
	if !d.alone || at == d.file.LineCount() {
		return d.comment
	}
	return analysisRange{d.file.LineStart(at), d.file.LineStart(at + 1)}
}

// directives are those of a package. What is missing in one, ignoreAnalyzer reports; it suppresses nothing then.
type directives struct {
	fset    *token.FileSet
	skipped map[*token.File]bool
	all     []*directive
	byLine  map[line][]*directive
}

type line struct {
	file *token.File
	line int
}

func readDirectives(pass *analysis.Pass) (*directives, error) {
	ds := &directives{fset: pass.Fset, skipped: skippedFiles(pass), byLine: make(map[line][]*directive)}
	for _, f := range pass.Files {
		file := pass.Fset.File(f.FileStart)
		if ds.skipped[file] {
			continue
		}
		var code map[int]bool // the lines that have code, when they are needed
		for _, group := range f.Comments {
			for _, comment := range group.List {
				d, ok := parseDirective(comment)
				if !ok {
					continue
				}
				if code == nil {
					code = linesWithCode(file, f)
				}
				at := line{file, file.Line(comment.Pos())}
				d.file, d.alone = file, !code[at.line]
				ds.all = append(ds.all, d)
				if d.analyzer == "" || d.reason == "" {
					continue
				}
				if d.alone {
					at.line = file.Line(group.End()) + 1
				}
				ds.byLine[at] = append(ds.byLine[at], d)
			}
		}
	}
	return ds, nil
}

func parseDirective(comment *ast.Comment) (*directive, bool) {
	parsed, ok := ast.ParseDirective(comment.Pos(), comment.Text)
	if !ok || parsed.Tool != "ironflow" || parsed.Name != "ignore" {
		return nil, false
	}
	analyzer, reason, _ := strings.Cut(strings.TrimSpace(parsed.Args), " ")
	return &directive{comment: comment, analyzer: analyzer, reason: strings.TrimSpace(reason)}, true
}

// linesWithCode returns the lines on which something else than a comment begins or ends.
func linesWithCode(file *token.File, f *ast.File) map[int]bool {
	lines := make(map[int]bool)
	ast.Inspect(f, func(n ast.Node) bool {
		switch n.(type) {
		case nil, *ast.File:
			return true
		case *ast.Comment, *ast.CommentGroup:
			return false
		}
		lines[file.Line(n.Pos())] = true
		lines[file.Line(n.End()-1)] = true
		return true
	})
	return lines
}

// at returns the directive that suppresses an analyzer's findings at a position, or nil.
func (ds *directives) at(analyzer string, pos token.Pos) *directive {
	file := ds.fset.File(pos)
	for _, d := range ds.byLine[line{file, file.Line(pos)}] {
		if d.analyzer == analyzer {
			return d
		}
	}
	return nil
}
