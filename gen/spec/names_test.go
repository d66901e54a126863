package spec

import (
	"strings"
	"testing"
)

func TestGoName(t *testing.T) {
	for name, want := range map[string]string{
		"order_id":     "OrderID",
		"orderID":      "OrderID",
		"paid_at":      "PaidAt",
		"price_cents":  "PriceCents",
		"in-transit":   "InTransit",
		"EUR":          "EUR",
		"HTTPServer":   "HTTPServer",
		"http_api_url": "HTTPAPIURL",
		"item_ids":     "ItemIDs",
		"utf8_text":    "UTF8Text",
		"line_2":       "Line2",
		"2nd":          "2nd",
		"a__b_":        "AB",
		"identity":     "Identity",
		"is":           "Is",
		"s":            "S",
		"___":          "",
		"größe":        "GrE",
	} {
		if got := GoName(name); got != want {
			t.Errorf("GoName(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestSnakeName(t *testing.T) {
	for name, want := range map[string]string{
		"OrderID": "order_id", "OrderIDs": "order_ids", "IDs": "ids", "IDsOfURLs": "ids_of_urls", "HTTPServer": "http_server",
		"DNSServer": "dns_server", "PaidAt": "paid_at", "X9": "x9", "Is": "is", "SKUs": "sk_us", "order_id": "order_id", "ASCIIsh": "asci_ish",
	} {
		if got := SnakeName(name); got != want {
			t.Errorf("SnakeName(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestForms(t *testing.T) {
	long := strings.Repeat("a", maxName)
	for _, c := range []struct {
		form     form
		ok, fail []string
	}{
		{exportedForm, []string{"A", "Paid", "V2"}, []string{"", "paid", "2A", "A_b", "Ä", "A b"}},
		{snakeForm, []string{"a", "order_id", "a1_", long}, []string{"", "A", "_a", "1a", "a-b", "ä", long + "a"}},
		{packageForm, []string{"order", "order_v2"}, []string{"", "main", "func", "Order", "order-v2", "1"}},
		{valueForm, []string{"red", "EUR", "in-transit", "1", "a b"}, []string{"", "-", "ä", "a\n"}},
	} {
		for _, name := range c.ok {
			if !c.form.valid(name) {
				t.Errorf("%q is refused; a name must be %s", name, c.form.rule)
			}
		}
		for _, name := range c.fail {
			if c.form.valid(name) {
				t.Errorf("%q is accepted; a name must be %s", name, c.form.rule)
			}
		}
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"awaiting_payment", "paid", "cancelled", ""}
	for name, want := range map[string]string{
		"awaiting_paymnt":   "awaiting_payment",
		"awaitign_payment":  "awaiting_payment",
		"AwaitingPayment":   "awaiting_payment",
		"piad":              "paid",
		"Paid":              "paid",
		"canceled":          "cancelled",
		"p":                 "",
		"":                  "",
		"shipped":           "",
		"awaiting_delivery": "",
	} {
		nearest, hint := Suggest(name, known)
		if nearest != want {
			t.Errorf("Suggest(%q) = %q, want %q", name, nearest, want)
		}
		wantHint := `did you mean "` + want + `"?`
		if want == "" {
			wantHint = `expected "awaiting_payment", "paid" or "cancelled"`
		}
		if hint != wantHint {
			t.Errorf("Suggest(%q) hints %q, want %q", name, hint, wantHint)
		}
	}
	if _, hint := Suggest("x", strings.Split("aaa bbb ccc ddd eee fff ggg hhh iii", " ")); hint != "" {
		t.Errorf("a long list is no help, but the hint is %q", hint)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"paid", "paid", 0}, {"paid", "pad", 1}, {"pad", "paid", 1}, {"piad", "paid", 1}, {"pain", "paid", 1},
		{"ab", "ba", 1}, {"abcd", "badc", 2}, {"kitten", "sitting", 3},
	} {
		if got := distance(c.a, c.b, maxEdits); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
	if got := distance("abcdefgh", "stuvwxyz", maxEdits); got <= maxEdits {
		t.Errorf("distance stops at %d, want more than %d", got, maxEdits)
	}
}
