package workflow

import "testing"

func TestPersonalPath(t *testing.T) {
	t.Parallel()
	for place, want := range map[string]string{
		"email": "email", "address.email": "address.email", "guests[3].name": "guests.*.name", "guests[#0].name": "guests.*.name",
		"births[#2]": "births.*", `["card id"]`: "card id", `card["card id"].x`: "card.card id.x", `["a.b"]`: `a\.b`, `["a\\b"]`: `a\\b`,
		`["a b`: "", "": "",
	} {
		if got := personalPath(place); got != want {
			t.Errorf("%s: got %s, want %s", place, got, want)
		}
	}
}
