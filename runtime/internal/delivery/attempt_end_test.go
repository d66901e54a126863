package delivery

import (
	"errors"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

func TestAfterFailure(t *testing.T) {
	t.Parallel()
	now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	p := workflow.RetryPolicy{MaxAttempts: 3, Base: time.Second, Max: time.Second}
	broken := errors.New("broken")
	for _, test := range []struct {
		name    string
		attempt int
		err     error
		verdict store.Verdict
		from    time.Duration
		to      time.Duration
		text    string
	}{
		{"plain", 1, broken, store.RetryLater, time.Second / 2, time.Second, "broken"},
		{"last", 3, broken, store.Dead, 0, 0, "attempt 3 of 3: broken"},
		{"permanent", 1, workflow.Permanent(broken), store.Dead, 0, 0, "broken"},
		{"permanent at last", 3, workflow.Permanent(broken), store.Dead, 0, 0, "broken"},
		{"retry after", 2, workflow.RetryAfter(broken, time.Hour), store.RetryLater, time.Hour, time.Hour, "broken"},
		{"retry after in the past", 2, workflow.RetryAfter(broken, -time.Hour), store.RetryLater, 0, 0, "broken"},
		{"retry after at last", 3, workflow.RetryAfter(broken, time.Hour), store.Dead, 0, 0, "attempt 3 of 3: broken"},
		{"permanent retry after", 1, workflow.RetryAfter(workflow.Permanent(broken), time.Hour), store.Dead, 0, 0, "broken"},
	} {
		s := afterFailure(store.Delivery{Attempt: test.attempt, Lease: store.Lease{Token: 7}}, test.err, p, now)
		if s.Verdict != test.verdict || s.Error != test.text || s.Lease.Token != 7 ||
			s.At.Before(now.Add(test.from)) || s.At.After(now.Add(test.to)) {
			t.Errorf("%s: got %+v", test.name, s)
		}
		if !errors.Is(test.err, broken) {
			t.Errorf("%s: the mark hides the error", test.name)
		}
	}
}
