package workflow

import (
	"testing"
	"time"
)

func TestRetryDefaults(t *testing.T) {
	t.Parallel()
	def := RetryPolicy{MaxAttempts: 5, Base: time.Second, Max: time.Minute}
	for _, test := range []struct{ declared, want RetryPolicy }{
		{RetryPolicy{}, def},
		{RetryPolicy{MaxAttempts: 1}, RetryPolicy{1, time.Second, time.Minute}},
		{RetryPolicy{Base: time.Hour}, RetryPolicy{5, time.Hour, time.Hour}},
		{RetryPolicy{2, 3, 4}, RetryPolicy{2, 3, 4}},
	} {
		if got := test.declared.WithDefaults(def); got != test.want {
			t.Errorf("%+v: got %+v, want %+v", test.declared, got, test.want)
		}
	}
}
