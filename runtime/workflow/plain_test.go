package workflow

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

type (
	named string

	scalars struct {
		Flag     bool
		Small    int32
		Count    int
		Large    int64
		Ratio    float64
		Text     string
		Duration time.Duration
	}
	withTime   struct{ At time.Time }
	withNamed  struct{ Name named }
	withBytes  struct{ Data []byte }
	withJSON   struct{ Data json.RawMessage }
	withList   struct{ Lines []string }
	withMap    struct{ Lines map[string]string }
	withOption struct{ Note *string }
	withStruct struct{ Inner scalars }
	withHidden struct{ hidden string }
	withTag    struct {
		Text string `json:"-"`
	}
	generated struct {
		Amount int64  `json:"amount"`
		Note   string `json:"note_2"`
	}
	withOptions struct {
		Text string `json:"text,omitempty"`
	}
	withTwoTags struct {
		Text string `json:"text" xml:"-"`
	}
)

// TestPlainTypes asks about each type twice, because the second answer is the one that was remembered.
func TestPlainTypes(t *testing.T) {
	t.Parallel()
	var types plainTypes
	for range 2 {
		for value, want := range map[any]bool{
			struct{}{}:     true,
			scalars{}:      true,
			withTime{}:     false,
			withNamed{}:    false,
			withOption{}:   false,
			withStruct{}:   false,
			withHidden{""}: false,
			withTag{}:      false,
			generated{}:    true,
			withOptions{}:  false,
			withTwoTags{}:  false,
			&scalars{}:     false,
			named(""):      false,
		} {
			if got := types.has(reflect.TypeOf(value)); got != want {
				t.Errorf("%T: got %t, want %t", value, got, want)
			}
		}
		for _, value := range []any{withBytes{}, withJSON{}, withList{}, withMap{}} { // these are no keys of a map
			if types.has(reflect.TypeOf(value)) {
				t.Errorf("%T is said to be plain", value)
			}
		}
	}
}
