package workflow

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

// InvalidInput lists the mistakes in an input given as JSON. No decider was called, and nothing was stored.
type InvalidInput struct {
	Workflow string
	Input    string // its name; empty if the name is unknown or not declared

	// Mistakes has a *codec.Error for each mistake, in the order of the document and at most codec.MaxErrors of them. Then
	// follows a *store.InvalidIdentifier for an invalid id or unique key. An id that cannot be read may have one of each, because
	// it is also empty. A document that is not JSON has one *codec.Error, an undeclared input a *codec.UnknownTypeError.
	Mistakes []error
}

func (e *InvalidInput) Error() string {
	input := "input"
	if e.Input != "" {
		input += " " + e.Input
	}
	return fmt.Sprintf("workflow %s: %s: %v", e.Workflow, input, together(e.Mistakes))
}

// Unwrap returns Mistakes.
func (e *InvalidInput) Unwrap() []error { return e.Mistakes }

// ReadDynamic reads an input given as JSON. If name is empty, the member "type" of the input has it. After an error, only the
// name of the result is set.
func ReadDynamic(w *Workflow, name string, input []byte) (PreparedInput, []error) {
	var err error
	given := name != ""
	if given {
		err = codec.CheckType(input, name)
	} else {
		name, err = codec.PeekType(input)
	}
	mistakes := codecErrors(err)
	switch {
	case err != nil && !json.Valid(input): // the last mistake is the place where the JSON ends to be valid
		end := mistakes[len(mistakes)-1]
		if _, more := w.readInput(name, input); given && len(more) > 0 && offset(more[len(more)-1]) == offset(end) {
			end = more[len(more)-1] // it names the place better, because it knows the fields
		}
		return PreparedInput{Name: name}, []error{end}
	case err != nil && !given: // the name of the input is unknown
		return PreparedInput{}, mistakes
	}
	prepared, more := w.readInput(name, input)
	if prepared.Name = name; !slices.Contains(w.InputNames(), name) {
		prepared.Name = "" // the name may be any text
	}
	return prepared, inOrder(mistakes, more)
}

// codecErrors returns the single errors of a decoder, and nil for other errors.
func codecErrors(err error) []error {
	switch err := err.(type) { // no errors.As: a panic may wrap an error of another document
	case codec.Errors:
		return err.Unwrap()
	case *codec.Error:
		return []error{err}
	}
	return nil
}

// offset returns the place of a mistake in its document.
func offset(err error) int64 {
	if at, is := errors.AsType[*codec.Error](err); is {
		return at.Offset
	}
	return 1 << 62 // a mistake of the document as a whole
}

// inOrder merges the mistakes that two readers have found in one document, in the order of the document, each once.
func inOrder(first, second []error) []error {
	if len(first) == 0 {
		return second
	}
	all := append(slices.Clip(first), second...)
	slices.SortStableFunc(all, func(a, b error) int { return cmp.Compare(offset(a), offset(b)) })
	all = slices.CompactFunc(all, func(a, b error) bool { return offset(a) == offset(b) && a.Error() == b.Error() })
	return all[:min(len(all), codec.MaxErrors)]
}

// together joins several errors to one whose text is one line.
func together(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	return &several{errs}
}

type several struct{ errs []error }

// maxNamed is how many errors the text of together lists.
const maxNamed = 20

func (s *several) Error() string {
	texts := make([]string, min(len(s.errs), maxNamed))
	for i := range texts {
		texts[i] = s.errs[i].Error()
	}
	text := strings.Join(texts, "; ")
	if more := len(s.errs) - maxNamed; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

func (s *several) Unwrap() []error { return s.errs }
