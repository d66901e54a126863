package workflow

import "testing"

func TestIsAt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		personal, value string
		want            bool
	}{
		{"email", "email", true}, {"email", "e-mail", false}, {"email", "email.domain", false}, {"guests.*.name", "guests[3].name", true},
		{"guests.*.name", "guests[].name", true}, {"guests.*.name", "guests.ann.name", true}, {"guests.*.name", `guests["a b"].name`, true},
		{"guests.*.name", "guests[3].age", false}, {`a\.b`, "a.b", true}, {"a.b", "axb", false},
	} {
		if got := isAt(test.personal, test.value); got != test.want {
			t.Errorf("%s at %s: %t", test.personal, test.value, got)
		}
	}
}
