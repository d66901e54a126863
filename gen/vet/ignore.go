package vet

import (
	"maps"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

var ignoreAnalyzer = &analysis.Analyzer{
	Name:     "ignore",
	Doc:      docOf("ignore", diagnostic.VetIgnore),
	URL:      docURL + "#ignore",
	Requires: append(subjects(), directivesAnalyzer, reachAnalyzer),
	Run:      runIgnore,
}

func runIgnore(pass *analysis.Pass) (any, error) {
	ds := pass.ResultOf[directivesAnalyzer].(*directives)
	known := make(map[string]heeded)
	for _, a := range subjects() {
		known[a.Name] = pass.ResultOf[a].(heeded)
	}
	reached := pass.ResultOf[reachAnalyzer].(*reach).heeded
	names := slices.Sorted(maps.Keys(known))
	for _, d := range ds.all {
		heeded, exists := known[d.analyzer]
		var message string
		var fixes []analysis.SuggestedFix
		switch {
		case d.analyzer == "":
			message = "the comment does not say what to ignore; write //ironflow:ignore ANALYZER reason, the analyzer being one of " +
				strings.Join(names, ", ")
		case !exists:
			message = "there is no analyzer " + d.analyzer + "; they are " + strings.Join(names, ", ")
		case d.reason == "":
			message = "the comment gives no reason, so it suppresses nothing; write //ironflow:ignore " + d.analyzer + " and why"
		case !heeded[d] && !reached[d]:
			message = "the comment suppresses nothing: " + d.analyzer + " finds nothing here; remove it"
			fixes = fix("Remove the comment", edit(d.removal(), ""))
		default:
			continue
		}
		pass.Report(analysis.Diagnostic{
			Pos: d.comment.Pos(), End: d.comment.End(), Category: "ignore", Message: "ignore: " + message, SuggestedFixes: fixes,
		})
	}
	return nil, nil
}
