package workflow

import (
	"errors"
	"regexp"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/codec"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

func (w *typed[S, I, E, F, R]) MissingInEvent(stored store.StoredEvent) []string {
	return missing(stored.Payload, stored.Type, w.def.Events, stored.SchemaVersion)
}

func (w *typed[S, I, E, F, R]) MissingInEffect(stored Encoded) []string {
	return missing(stored.Payload, stored.Type, w.def.Effects, storedVersion(stored.Payload))
}

func (w *typed[S, I, E, F, R]) MissingInInput(name string, payload []byte) []string {
	return missing(payload, name, w.def.Inputs, storedVersion(payload))
}

// elements are the places of elements in the path of a value.
var elements = regexp.MustCompile(`\[#?\d+\]`)

// missing returns the fields that a version of a variant must have and a payload of it has not.
func missing[T any](payload []byte, name string, c Codec[T], version int) (fields []string) {
	_, err := decode(codec.NewStrictDecoder(payload), name, c.at(name, version))
	if err == nil {
		return nil
	}
	for _, mistake := range codecErrors(err) {
		if e := mistake.(*codec.Error); errors.Is(e, codec.ErrMissing) {
			fields = append(fields, elements.ReplaceAllString(e.Path, "[]"))
		}
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}
