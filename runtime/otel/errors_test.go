package otel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

func TestErrorTypes(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"":                    nil,
		other:                 errors.New("card declined"),
		"panic":               &runtime.PanicError{Value: context.Canceled},
		"unique_key_conflict": &runtime.UniqueKeyConflict{},
		"outcome_unknown":     fmt.Errorf("%w: %w", runtime.ErrOutcomeUnknown, context.DeadlineExceeded),
		"conflict":            store.ErrConflict,
		"timeout":             context.DeadlineExceeded,
		"canceled":            runtime.Permanent(context.Canceled),
	} {
		if err != nil {
			err = fmt.Errorf("order/o-1: input Pay: %w", err)
		}
		if got := errorType(err); got != want {
			t.Errorf("%v: got %q, want %q", err, got, want)
		}
	}
	page, err := os.ReadFile("../../docs/operate/telemetry.md")
	if err != nil {
		t.Fatal(err)
	}
	sentence := regexp.MustCompile("(?s)`error.type` is (.*?), or `" + other + "`").FindSubmatch(page)
	if sentence == nil {
		t.Fatal("docs/operate/telemetry.md does not say what error.type is")
	}
	documented := strings.Join(strings.Fields(string(sentence[1])), " ")
	names := strings.Split(documented, ", ")
	if len(names) != len(errorTypes) {
		t.Errorf("docs/operate/telemetry.md says %q", documented)
	}
	for _, known := range errorTypes {
		if !strings.Contains(", "+documented+",", ", "+known.name+",") {
			t.Errorf("docs/operate/telemetry.md does not say %s", known.name)
		}
	}
}
