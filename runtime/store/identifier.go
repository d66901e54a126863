package store

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// InvalidIdentifier says that an id or a unique key is empty, longer than MaxIDLength, or not text that can be stored.
type InvalidIdentifier struct {
	What    IdentifierKind
	Problem string // completes "the instance id ..."
}

// IdentifierKind says what an identifier is of.
type IdentifierKind string

const (
	InstanceID IdentifierKind = "instance id"
	InputID    IdentifierKind = "input id"
	UniqueKey  IdentifierKind = "unique key"
)

func (e *InvalidIdentifier) Error() string { return fmt.Sprintf("the %s %s", e.What, e.Problem) }

// CheckIdentifier fails with *InvalidIdentifier.
func CheckIdentifier(what IdentifierKind, id string) error {
	problem := ""
	switch {
	case id == "":
		problem = "is empty"
	case len(id) > MaxIDLength:
		problem = fmt.Sprintf("has %d bytes, at most %d are allowed", len(id), MaxIDLength)
	case !utf8.ValidString(id):
		problem = "is not valid UTF-8"
	case slices.Contains([]byte(id), 0):
		problem = "contains a NUL byte"
	default:
		return nil
	}
	return &InvalidIdentifier{What: what, Problem: problem}
}
