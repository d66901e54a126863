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

// InvalidInput says that an input given as JSON is none that the workflow takes. Nobody was asked to decide on it, and nothing
// was stored.
type InvalidInput struct {
	Workflow string
	Input    string // its name; empty when that is not known, or not declared

	// Mistakes are all that is wrong with it: a *codec.Error for each place in the document, in its order and at most
	// codec.MaxErrors of them, and then an *store.InvalidIdentifier for an id or a unique key that cannot be one. A field that
	// cannot be read may be both, since what is not there is empty too. A document that is no JSON has one *codec.Error, and
	// an input that is not declared is a *codec.UnknownTypeError.
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

// ReadDynamic reads an input given as JSON, whose name is in there when it is not given. Of one with mistakes, only the name
// is of use.
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
	case err != nil && !json.Valid(input): // the last mistake is where it cannot be read any further
		end := mistakes[len(mistakes)-1]
		if _, more := w.readInput(name, input); given && len(more) > 0 && offset(more[len(more)-1]) == offset(end) {
			end = more[len(more)-1] // which names the place better: it knows the fields
		}
		return PreparedInput{Name: name}, []error{end}
	case err != nil && !given: // which input it is, is not known
		return PreparedInput{}, mistakes
	}
	prepared, more := w.readInput(name, input)
	if prepared.Name = name; !slices.Contains(w.InputNames(), name) {
		prepared.Name = "" // it may be anything
	}
	return prepared, inOrder(mistakes, more)
}

// codecErrors returns the errors of a decoder one by one, and nothing of others.
func codecErrors(err error) []error {
	switch err := err.(type) { // itself: a panic may carry one that is not of this document
	case codec.Errors:
		return err.Unwrap()
	case *codec.Error:
		return []error{err}
	}
	return nil
}

// offset is where a mistake stands in its document.
func offset(err error) int64 {
	if at, is := errors.AsType[*codec.Error](err); is {
		return at.Offset
	}
	return 1 << 62 // of the document as a whole
}

// inOrder joins the mistakes that two readers have found in one document, in its order, each once.
func inOrder(first, second []error) []error {
	if len(first) == 0 {
		return second
	}
	all := append(slices.Clip(first), second...)
	slices.SortStableFunc(all, func(a, b error) int { return cmp.Compare(offset(a), offset(b)) })
	all = slices.CompactFunc(all, func(a, b error) bool { return offset(a) == offset(b) && a.Error() == b.Error() })
	return all[:min(len(all), codec.MaxErrors)]
}

// together is several errors as one with a text of one line.
func together(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	return &several{errs}
}

type several struct{ errs []error }

// maxNamed is how many errors a text lists.
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
