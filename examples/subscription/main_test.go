package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/examples/internal/storage/storagetest"
	"github.com/ironflow-gen/ironflow/internal/pgserver"
)

func TestMain(m *testing.M) { os.Exit(pgserver.Main(m)) }

func TestSubscription(t *testing.T) {
	t.Parallel()
	storagetest.OnBoth(t, func(t *testing.T, database, file string) {
		var out bytes.Buffer
		if err := run(t.Context(), &out, database, file); err != nil {
			t.Fatalf("%v\n%s", err, &out)
		}
		for _, want := range []string{
			"subscription.Cancelled{Reason:as wished}",
			"subscription.PaymentMissed{Reason:attempt 2 of 2",
			"subscription.Cancelled{Reason:attempt 2 of 2",
		} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %q in\n%s", want, &out)
			}
		}
		// Each period begins once, and each count happens once, though two engines were at it.
		seen := map[string]bool{}
		section := ""
		for line := range strings.Lines(out.String()) {
			if !strings.HasPrefix(line, " ") {
				section = strings.TrimSpace(line)
			}
			if at := regexp.MustCompile(`(PeriodBegan|Counted)\{At:([^}]*)`).FindString(line); at != "" {
				if key := fmt.Sprint(section, " ", at); seen[key] {
					t.Errorf("twice: %s", key)
				} else {
					seen[key] = true
				}
			}
		}
		if len(seen) < 5 {
			t.Errorf("too few firings: %v", seen)
		}
	})
}
