package workflow

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/codec"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

func (w *typed[S, I, E, F, R]) MissingInEvent(stored store.StoredEvent) []string {
	return missing(stored.Payload, stored.Type, w.def.Events, stored.SchemaVersion, w.personal().Events)
}

func (w *typed[S, I, E, F, R]) MissingInEffect(stored Encoded) []string {
	return missing(stored.Payload, stored.Type, w.def.Effects, storedVersion(stored.Payload), w.personal().Effects)
}

func (w *typed[S, I, E, F, R]) MissingInInput(name string, payload []byte) []string {
	return missing(payload, name, w.def.Inputs, storedVersion(payload), w.personal().Inputs)
}

// elements are the places of elements in the path of a value.
var elements = regexp.MustCompile(`\[#?\d+\]`)

// missing returns the fields that a version of a variant must have and a payload of it has not. A personal field may be erased, so it is not
// missing.
func missing[T any](payload []byte, name string, c Codec[T], version int, personal map[string][]string) (fields []string) {
	_, err := decode(codec.NewStrictDecoder(payload), name, c.at(name, version))
	if err == nil {
		return nil
	}
	for _, mistake := range codecErrors(err) {
		if e := mistake.(*codec.Error); errors.Is(e, codec.ErrMissing) && !slices.Contains(personal[name], personalPath(e.Path)) {
			fields = append(fields, elements.ReplaceAllString(e.Path, "[]"))
		}
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}

// personalPath writes the path of a codec.Error, such as guests[2].name or ["card id"], as PersonalFields does.
func personalPath(place string) string {
	var steps []string
	for place != "" {
		var step string
		switch {
		case strings.HasPrefix(place, `["`): // a name that is no identifier
			quoted, err := strconv.QuotedPrefix(place[1:])
			if err != nil {
				return ""
			}
			if step, err = strconv.Unquote(quoted); err != nil {
				return ""
			}
			place = strings.TrimPrefix(place[1+len(quoted):], "]")
			step = strings.NewReplacer(`\`, `\\`, ".", `\.`).Replace(step)
		case place[0] == '[': // an element of a list or map
			_, place, _ = strings.Cut(place, "]")
			step = "*"
		default:
			place = strings.TrimPrefix(place, ".")
			end := strings.IndexAny(place, ".[")
			if end < 0 {
				end = len(place)
			}
			step, place = place[:end], place[end:]
		}
		steps = append(steps, step)
	}
	return strings.Join(steps, ".")
}
