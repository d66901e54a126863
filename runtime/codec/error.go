package codec

import (
	"errors"
	"fmt"
	"strings"
)

// Error is a mistake that was found in encoding or decoding, with its place in the document.
type Error struct {
	// Path names the value, as in items[2].sku. A field name follows a dot, or is quoted in brackets if it is not an identifier.
	// Keys of maps and undeclared names are data, so the path has their number in the object instead, counted from 0, as in
	// prices[#3]. The path of the document itself is empty. A path of more than 256 bytes is cut and ends in "...".
	Path string

	// Offset is the byte of the input at which decoding failed; 0 in encoding.
	Offset int64

	// Message says what was expected and what kind of value was found. It has no part of the value, because errors are logged and
	// stored.
	Message string

	// Err is the error of the JSON methods of an imported type, [ErrMissing], [ErrTooDeep], [ErrTooMuchMemory], or nil. Error leaves out
	// its text, which may quote the value.
	Err error
}

// ErrMissing says that a required field is missing.
var ErrMissing = errors.New(isMissing)

const isMissing = "the field is missing"

// ErrTooDeep says that objects and arrays are nested deeper than [MaxDepth].
var ErrTooDeep = errors.New(tooDeep)

// ErrTooMuchMemory says that a document from outside would take much more memory than its text.
var ErrTooMuchMemory = errors.New("the document takes too much memory")

// Error returns the path and the message.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Message
	}
	return e.Path + ": " + e.Message
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// UnknownTypeError says that a document or a stored row names a type that the workflow does not declare. The default
// case of a generated switch over type names returns it.
type UnknownTypeError struct {
	Workflow string   // the workflow's stored name
	Kind     string   // "input", "event", "effect" or "rejection"
	Type     string   // the name that was found
	Known    []string // the declared names of that kind
}

// Error suggests the declared name that is most similar to the one found, or lists the declared names if none is. It does not
// quote the one found, which may come from outside.
func (e *UnknownTypeError) Error() string {
	text := fmt.Sprintf("workflow %s has no %s of this name", e.Workflow, e.Kind)
	if name := nearest(e.Type, e.Known); name != "" {
		return text + fmt.Sprintf("; did you mean %q?", name)
	}
	if len(e.Known) == 0 {
		return text
	}
	return text + "; it has " + firstOf(e.Known, ", ")
}

// maxNamed is how many names or mistakes the text of an error lists.
const maxNamed = 20

// firstOf joins the first maxNamed texts, and says how many more there are.
func firstOf(texts []string, separator string) string {
	if len(texts) <= maxNamed {
		return strings.Join(texts, separator)
	}
	return strings.Join(texts[:maxNamed], separator) + fmt.Sprintf("%sand %d more", separator, len(texts)-maxNamed)
}

// nearest returns the name with the smallest edit distance from s, ignoring case, or "" if that one differs in more than a third
// of its letters.
func nearest(s string, names []string) string {
	best, bestDistance := "", 0
	for _, name := range names {
		if max(len(s), len(name)) > 2*min(len(s), len(name)) {
			continue // also avoids quadratic time for a hostile name of a megabyte
		}
		d := distance(strings.ToLower(s), strings.ToLower(name))
		if d <= max(1, len(name)/3) && (best == "" || d < bestDistance) {
			best, bestDistance = name, d
		}
	}
	return best
}

// distance counts the bytes to insert, delete or replace to turn a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // row[j]: from the part of a seen so far to b[:j]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
