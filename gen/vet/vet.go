// Package vet finds mistakes in the code that users write for a workflow: what compiles, and goes wrong when it runs.
//
// It is a set of go/analysis passes. Each looks at one subject and knows nothing of the others; a subject is one file. What
// they share stands beside them: workflows finds deciders, evolvers and handlers by the interfaces they implement, machine
// reads the declared state machine, reach follows calls through the packages of a module, and directives reads the
// comments that suppress a finding.
//
// The passes run in three ways, with the same findings: by Check, which is "ironflow-gen vet"; by "go vet -vettool" and
// whatever else speaks the protocol of package unitchecker; and within other go/analysis drivers, by Analyzers.
//
// A finding is worth less than the reader's trust. Where a pass cannot know it stays silent: calls of interface methods and
// of function values it cannot see are taken to be harmless, test files and generated files are not looked at.
package vet

import (
	"fmt"
	"go/ast"
	"go/token"
	"reflect"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// docURL is where each analyzer is described, under its name.
const docURL = "https://github.com/ironflow-gen/ironflow/blob/main/docs/reference/vet.md"

// Analyzers returns the passes in the order of the documentation. The last one, ignore, needs all others.
func Analyzers() []*analysis.Analyzer {
	return append(subjects(), ignoreAnalyzer)
}

// subjects are the passes whose findings a comment can suppress.
func subjects() []*analysis.Analyzer {
	return []*analysis.Analyzer{
		clockAnalyzer, randomAnalyzer, outsideAnalyzer, concurrencyAnalyzer, globalsAnalyzer, mapOrderAnalyzer,
		decisionAnalyzer, evolverAnalyzer, handlerAnalyzer, idempotencyAnalyzer, outcomeAnalyzer,
		unfinishedAnalyzer,
	}
}

// subject is one pass over one package.
type subject struct {
	*analysis.Pass
	workflows  *workflows
	directives *directives
	heeded     heeded
}

// heeded are the directives that have suppressed something.
type heeded map[*directive]bool

// codes are those of the passes, by name.
var codes = make(map[string]diagnostic.Code)

// docOf is the documentation of a pass, made of the rule for which it looks.
func docOf(name string, code diagnostic.Code) string {
	codes[name] = code
	rule := code.Rule()
	return strings.ToLower(rule.Title[:1]) + rule.Title[1:] + "\n\n" + rule.Why
}

// newAnalyzer makes the pass of a subject.
func newAnalyzer(name string, code diagnostic.Code, run func(*subject), requires ...*analysis.Analyzer) *analysis.Analyzer {
	return &analysis.Analyzer{
		Name:       name,
		Doc:        docOf(name, code),
		URL:        docURL + "#" + name,
		Requires:   append(requires, inspect.Analyzer, workflowsAnalyzer, directivesAnalyzer),
		ResultType: reflect.TypeFor[heeded](),
		Run: func(pass *analysis.Pass) (any, error) {
			s := &subject{
				Pass:       pass,
				workflows:  pass.ResultOf[workflowsAnalyzer].(*workflows),
				directives: pass.ResultOf[directivesAnalyzer].(*directives),
				heeded:     make(heeded),
			}
			run(s)
			return s.heeded, nil
		},
	}
}

// report reports a finding, unless it is suppressed or in a file that is not looked at.
func (s *subject) report(at analysis.Range, fixes []analysis.SuggestedFix, format string, args ...any) {
	if s.skipped(at.Pos()) {
		return
	}
	if d := s.directives.at(s.Analyzer.Name, at.Pos()); d != nil {
		s.heeded[d] = true
		return
	}
	s.Report(analysis.Diagnostic{
		Pos: at.Pos(), End: at.End(), Category: s.Analyzer.Name,
		Message:        s.Analyzer.Name + ": " + fmt.Sprintf(format, args...),
		SuggestedFixes: fixes,
	})
}

// skipped reports whether a position is in a file that no subject looks at.
func (s *subject) skipped(pos token.Pos) bool {
	return s.directives.skipped[s.Fset.File(pos)]
}

// nodes calls f for each node of the types that the examples have, in the files that are looked at.
func (s *subject) nodes(examples []ast.Node, f func(ast.Node)) {
	s.ResultOf[inspect.Analyzer].(*inspector.Inspector).Preorder(examples, func(n ast.Node) {
		if !s.skipped(n.Pos()) {
			f(n)
		}
	})
}

// skippedFiles are the generated and the test files of a package.
func skippedFiles(pass *analysis.Pass) map[*token.File]bool {
	skipped := make(map[*token.File]bool)
	for _, f := range pass.Files {
		file := pass.Fset.File(f.FileStart)
		if isTestFile(file) || ast.IsGenerated(f) {
			skipped[file] = true
		}
	}
	return skipped
}

func isTestFile(file *token.File) bool { return strings.HasSuffix(file.Name(), "_test.go") }

// fix is one suggested edit.
func fix(message string, edits ...analysis.TextEdit) []analysis.SuggestedFix {
	return []analysis.SuggestedFix{{Message: message, TextEdits: edits}}
}

func edit(at analysis.Range, text string) analysis.TextEdit {
	return analysis.TextEdit{Pos: at.Pos(), End: at.End(), NewText: []byte(text)}
}
