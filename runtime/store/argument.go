package store

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// InvalidArgument says that an argument cannot be stored or searched for: a text, a time or a number. Nothing was done.
type InvalidArgument struct {
	Argument string // as in InstanceFilter.Status
	Problem  string // completes "Argument ..."
}

func (e *InvalidArgument) Error() string {
	return fmt.Sprintf("ironflow: %s %s", e.Argument, e.Problem)
}

// The first and the last year of times that JSON and every store can represent.
const MinYear, maxYear = 1, 9999

// CheckArgument checks all texts, times and limits in a value, which may be a struct, and fails with *InvalidArgument. The engine
// calls it before it calls the store, because stores differ in what they refuse.
func CheckArgument(name string, value any) error { return checkValue(name, reflect.ValueOf(value)) }

func checkValue(name string, v reflect.Value) error {
	problem := ""
	switch v.Kind() {
	case reflect.String:
		problem = textProblem(v.String())
	case reflect.Int, reflect.Int64:
		if v.Int() < 0 && !strings.HasSuffix(name, ".Token") {
			problem = fmt.Sprintf("is %d; it must not be negative", v.Int())
		}
	case reflect.Pointer:
		if !v.IsNil() {
			return checkValue(name, v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			if err := checkValue(fmt.Sprintf("%s[%d]", name, i), v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Struct:
		if t, is := v.Interface().(time.Time); is {
			problem = TimeProblem(t)
			break
		}
		for i := range v.NumField() {
			field := v.Type().Field(i)
			within := name + "." + field.Name
			if field.Anonymous {
				within = field.Name
			}
			if err := checkValue(within, v.Field(i)); err != nil {
				return err
			}
		}
	}
	if problem != "" {
		return &InvalidArgument{Argument: name, Problem: problem}
	}
	return nil
}

func textProblem(text string) string {
	switch {
	case !utf8.ValidString(text):
		return "is not valid UTF-8"
	case strings.ContainsRune(text, 0):
		return "contains a NUL byte"
	}
	return ""
}

func TimeProblem(t time.Time) string {
	if year := t.UTC().Year(); year < MinYear || year > maxYear {
		return fmt.Sprintf("is in the year %d; times can be from the year %d to %d", year, MinYear, maxYear)
	}
	return ""
}

// CheckOneOf fails with *InvalidArgument unless a value is one of those given.
func CheckOneOf[T ~string](name string, value T, values ...T) error {
	for _, one := range values {
		if value == one {
			return nil
		}
	}
	return &InvalidArgument{Argument: name, Problem: fmt.Sprintf("is %q; use one of %q", value, values)}
}

// InvalidIdentifier says that an id or a unique key is empty, longer than MaxIDLength, not valid UTF-8, or has a NUL byte.
type InvalidIdentifier struct {
	What    IdentifierKind
	Problem string // completes "the instance id ..."
}

// IdentifierKind says what an identifier names.
type IdentifierKind string

const (
	InstanceID IdentifierKind = "instance id"
	InputID    IdentifierKind = "input id"
	UniqueKey  IdentifierKind = "unique key"

	// SubjectName is the value of the field that a declaration calls the subject of personal fields.
	SubjectName IdentifierKind = "subject"
)

func (e *InvalidIdentifier) Error() string { return fmt.Sprintf("the %s %s", e.What, e.Problem) }

// CheckIdentifier fails with *InvalidIdentifier unless id is a valid identifier.
func CheckIdentifier(what IdentifierKind, id string) error {
	problem := ""
	switch {
	case id == "":
		problem = "is empty"
	case len(id) > MaxIDLength:
		problem = fmt.Sprintf("has %d bytes; at most %d are allowed", len(id), MaxIDLength)
	case !utf8.ValidString(id):
		problem = "is not valid UTF-8"
	case slices.Contains([]byte(id), 0):
		problem = "contains a NUL byte"
	default:
		return nil
	}
	return &InvalidIdentifier{What: what, Problem: problem}
}
