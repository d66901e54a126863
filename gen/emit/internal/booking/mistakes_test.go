package booking

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/codec"
	"github.com/ironflow-gen/ironflow/runtime/httpapi"
)

// fields are those of an input Request that is as it should be.
func fields(change func(map[string]any)) string {
	f := map[string]any{
		"booking_id": "b-1", "room": "r", "guests": []any{}, "nights": 1, "arrival": "2031-01-02T03:04:05Z", "checkin_after": "1h",
		"photo": nil, "extras": nil, "late": true,
	}
	change(f)
	text, err := json.Marshal(f) // in the order of the names
	if err != nil {
		panic(err)
	}
	return string(text)
}

// One answer names every place of an input that is wrong, and nothing of it is stored.
func TestMistakes(t *testing.T) {
	h := open(t, runtime.Config{})
	guest := func(name, meals, deposit any) map[string]any {
		return map[string]any{"name": name, "meals": meals, "deposit": deposit}
	}
	const needs = `an RFC 3339 time, found `
	for _, test := range []struct {
		name, body string
		want       []httpapi.Mistake
	}{
		{"missing", `{}`, []httpapi.Mistake{
			{Path: "booking_id", Message: "the field is missing"}, {Path: "room", Message: "the field is missing"},
			{Path: "guests", Message: "the field is missing"}, {Path: "nights", Message: "the field is missing"},
			{Path: "arrival", Message: "the field is missing"}, {Path: "checkin_after", Message: "the field is missing"},
			{Path: "photo", Message: "the field is missing"}, {Path: "extras", Message: "the field is missing"},
			{Path: "late", Message: "the field is missing"},
		}},
		{"types", `{"booking_id":7,"room":["r"],"guests":{"a":1},"nights":"2","arrival":1,"checkin_after":3600,"photo":true,"extras":[1],"discount":"x","late":"yes"}`,
			[]httpapi.Mistake{
				{Path: "booking_id", Message: "expected a string, found a number"}, {Path: "room", Message: "expected a string, found a list"},
				{Path: "guests", Message: "expected a list, found an object"}, {Path: "nights", Message: `expected an integer, found a string`},
				{Path: "arrival", Message: "expected " + needs + "a number"}, {Path: "checkin_after", Message: `expected a duration like "1m30s", found a number`},
				{Path: "photo", Message: "expected bytes in base64, found true or false"}, {Path: "extras", Message: "expected an object, found a list"},
				{Path: "discount", Message: `expected a number, found a string`}, {Path: "late", Message: `expected true or false, found a string`},
			}},
		{"values", fields(func(f map[string]any) {
			f["arrival"], f["checkin_after"], f["photo"] = "2031-02-30T00:00:00Z", "1 hour", "not base64"
			f["nights"], f["discount"] = json.Number("9223372036854775808"), json.Number("1e400")
			f["extras"] = map[string]any{"cot": json.Number("2147483648"), "a b": 1.5, "dog": 1}
			f["guests"] = []any{
				guest("Ann", []any{"dinner"}, "1.50"), guest("Bob", []any{"dinner", "lunch", 3}, "1,50"), 7, map[string]any{"name": nil}, guest("Eve", nil, "1e3"),
			}
		}), []httpapi.Mistake{
			{Path: "arrival", Message: "expected " + needs + `another string`},
			{Path: "checkin_after", Message: `expected a duration like "1m30s", found another string`},
			{Path: "discount", Message: "the number does not fit into a float64"},
			{Path: "extras[#0]", Message: "expected an integer, found a number with a fraction or an exponent"}, {Path: "extras[#1]", Message: "the number does not fit into an int32"},
			{Path: "guests[1].deposit", Message: `expected a decimal number in quotes, like "12.50", found another string`},
			{Path: "guests[1].meals[1]", Message: `expected one of "breakfast", "dinner", found another string`},
			{Path: "guests[1].meals[2]", Message: `expected one of "breakfast", "dinner", found a number`},
			{Path: "guests[2]", Message: "expected an object, found a number"},
			{Path: "guests[3].name", Message: "expected a string, found null"},
			{Path: "guests[3].meals", Message: "the field is missing"}, {Path: "guests[3].deposit", Message: "the field is missing"},
			{Path: "guests[4].deposit", Message: `expected a decimal number in quotes, like "12.50", found another string`},
			{Path: "nights", Message: "the number does not fit into an int"},
			{Path: "photo", Message: `expected bytes in base64, found another string`},
		}},
		{"twice", strings.Replace(fields(func(map[string]any) {}), `{`, `{"nights":2,"extras":{"a":1,"a":2},"late":"no",`, 1), []httpapi.Mistake{
			{Path: "extras[#1]", Message: "the key occurs a second time here"}, {Path: "late", Message: `expected true or false, found a string`},
			{Path: "extras", Message: "the field occurs a second time here"}, {Path: "late", Message: "the field occurs a second time here"},
			{Path: "nights", Message: "the field occurs a second time here"},
		}},
		// Identifiers are looked at together with all else, unless they could not be read.
		{"identifiers", fields(func(f map[string]any) { f["booking_id"], f["room"], f["late"] = "", strings.Repeat("r", 513), 1 }), []httpapi.Mistake{
			{Path: "late", Message: "expected true or false, found a number"}, {Path: "booking_id", Message: "the instance id is empty"},
			{Path: "room", Message: "the unique key has 513 bytes; at most 512 are allowed"},
		}},
		{"identifiers only", fields(func(f map[string]any) { f["booking_id"], f["room"] = "a\x00", "" }), []httpapi.Mistake{
			{Path: "booking_id", Message: `the instance id contains a NUL byte`}, {Path: "room", Message: "the unique key is empty"},
		}},
		{"name", fields(func(f map[string]any) { f["type"], f["late"] = "Order", nil }), []httpapi.Mistake{
			{Path: "late", Message: "expected true or false, found null"}, {Path: "type", Message: `expected "Request", found another string`},
		}},
		{"text", strings.Replace(fields(func(f map[string]any) { f["late"] = 1 }), `"r"`, `"\ud800"`, 1), []httpapi.Mistake{
			{Path: "late", Message: "expected true or false, found a number"}, {Path: "room", Message: "a surrogate is without its pair"},
		}},
		// What has not been read is not said to be missing or empty.
		{"unreadable", strings.Replace(fields(func(f map[string]any) { f["arrival"] = 1 }), `"late"`, `"\ud800":1,"late"`, 1), []httpapi.Mistake{
			{Path: "arrival", Message: "expected " + needs + "a number"}, {Message: "a surrogate is without its pair"},
		}},
		{"no object", `[{"booking_id":1}]`, []httpapi.Mistake{{Message: "expected an object, found a list"}}},
		{"null", `null`, []httpapi.Mistake{{Message: "expected an object, found null"}}},
		{"text", `"{}"`, []httpapi.Mistake{{Message: `expected an object, found a string`}}},
		// A field that is not declared may be there, whatever it is.
		{"unknown", fields(func(f map[string]any) { f["nigths"], f["guests"] = []any{map[string]any{"late": 1}}, 0 }), []httpapi.Mistake{
			{Path: "guests", Message: "expected a list, found a number"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			resp, body := h.do("/booking/inputs/Request", test.body)
			var answer httpapi.Error
			if err := json.Unmarshal([]byte(body), &answer); err != nil || resp.StatusCode != http.StatusUnprocessableEntity || answer.Code != httpapi.InvalidInput {
				t.Fatalf("got %d %s, %v", resp.StatusCode, body, err)
			}
			if !slices.Equal(answer.Mistakes, test.want) {
				t.Errorf("got  %+v\nwant %+v", answer.Mistakes, test.want)
			}
			for _, m := range answer.Mistakes {
				if !strings.Contains(answer.Message, m.Message) {
					t.Errorf("the message does not tell of %+v: %s", m, answer.Message)
				}
			}
		})
	}
	if out, err := h.engine.Instances(h.Context(), runtime.InstanceQuery{}); err != nil || len(out.Items) > 0 {
		t.Errorf("stored: %+v, %v", out, err)
	}
	resp, body := h.do("/booking/inputs/Request", fields(func(f map[string]any) { f["nigths"] = []any{map[string]any{"late": 1}} }))
	if resp.StatusCode != http.StatusOK {
		t.Errorf("an unknown field alone is refused: %d %s", resp.StatusCode, body)
	}
}

// However much is wrong, an answer stays small.
func TestManyMistakes(t *testing.T) {
	h := open(t, runtime.Config{})
	body := fields(func(f map[string]any) { f["guests"] = make([]any, 10_000) })
	resp, text := h.do("/booking/inputs/Request", body)
	var answer httpapi.Error
	if err := json.Unmarshal([]byte(text), &answer); err != nil || resp.StatusCode != 422 || len(answer.Mistakes) != 100 || len(text) > 20_000 {
		t.Errorf("got %d with %d bytes and %d mistakes, %v", resp.StatusCode, len(text), len(answer.Mistakes), err)
	}
}

// The typed client sees the mistakes as values. That it can send none of its own making, a server with an older declaration shows.
func TestClientSeesMistakes(t *testing.T) {
	t.Parallel()
	want := []httpapi.Mistake{{Path: "guests[0].age", Message: "the field is missing"}, {Path: "late", Message: "expected an integer, found true"}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		_ = json.NewEncoder(w).Encode(httpapi.Error{Code: httpapi.InvalidInput, Message: "the input is not valid", Mistakes: want})
	}))
	defer server.Close()
	_, err := NewHTTPClient(server.URL, server.Client()).Request(t.Context(), request("b-1", "r"))
	if e := wantError(t, err, http.StatusUnprocessableEntity, httpapi.InvalidInput); !slices.Equal(e.Mistakes, want) {
		t.Errorf("got %+v", e.Mistakes)
	}
}

// What is no JSON is told apart from JSON that is wrong.
func TestNoJSON(t *testing.T) {
	h := open(t, runtime.Config{})
	for body, says := range map[string]string{
		"booking_id=b-1": "expected an object, found a character", " ": "found the end of the input", `{"booking_id":7,"nights":1`: "expected a comma",
		`{"booking_id":7,"nights":01}`: "nights: a number must not begin with a zero", `{'booking_id':7}`: "expected a field name, found a character",
		"{} x": "expected the end of the document", "\x1f\x8b\x08\x00": "expected an object", `{"booking_id":"b-1",}`: "expected a field name, found }",
		"\xef\xbb\xbf{}": "expected an object", `{"type":7,"nights":nul}`: "nights: expected an integer, found a character", `{"booking_id":7,"a":NaN}`: "found a character",
	} {
		resp, text := h.do("/booking/inputs/Request", body)
		var answer httpapi.Error
		if err := json.Unmarshal([]byte(text), &answer); err != nil || resp.StatusCode != 400 || answer.Code != httpapi.MalformedJSON ||
			!strings.Contains(answer.Message, "the body is not JSON: ") || !strings.Contains(answer.Message, says) || answer.Mistakes != nil {
			t.Errorf("%q: got %d %s, want %q", body, resp.StatusCode, text, says)
		}
	}
	// Nothing at all, too.
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/booking/inputs/Request", nil)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if h.handler.ServeHTTP(w, r); w.Code != 400 || !strings.Contains(w.Body.String(), "malformed_json") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// What leads nowhere is answered in JSON like everything else.
func TestMethodsAndPaths(t *testing.T) {
	h := open(t, runtime.Config{})
	for _, test := range []struct {
		method, path string
		status       int
		code         httpapi.Code
		allow        string
	}{
		{"GET", "/booking/inputs/Order", 405, httpapi.MethodNotAllowed, "POST"},
		{"PUT", "/booking/inputs/Order", 405, httpapi.MethodNotAllowed, "POST"},
		{"HEAD", "/booking/inputs/Order", 405, "", "POST"},
		{"OPTIONS", "/booking/inputs/Order", 405, httpapi.MethodNotAllowed, "POST"},
		{"POST", "/booking/b-1", 405, httpapi.MethodNotAllowed, "GET, HEAD"},
		{"DELETE", "/booking/b-1/state", 405, httpapi.MethodNotAllowed, "GET, HEAD"},
		{"PATCH", "/booking/b-1/history", 405, httpapi.MethodNotAllowed, "GET, HEAD"},
		{"POST", "/booking/machine", 405, httpapi.MethodNotAllowed, "GET, HEAD"},
		{"POST", "/booking/openapi.json", 405, httpapi.MethodNotAllowed, "GET, HEAD"},
		{"POST", "/booking/inputs/Orders", 404, httpapi.UnknownInput, ""},
		{"POST", "/booking/inputs", 405, httpapi.MethodNotAllowed, "GET, HEAD"}, // an instance may be called so
		{"GET", "/", 404, httpapi.UnknownPath, ""},
		{"GET", "/booking", 404, httpapi.UnknownPath, ""},
		{"POST", "/booking/inputs/", 404, httpapi.UnknownPath, ""},
		{"POST", "/booking/inputs/Order/more", 404, httpapi.UnknownPath, ""},
		{"GET", "/bookings/b-1", 404, httpapi.UnknownPath, ""},
		{"HEAD", "/booking/b-1", 404, "", ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), test.method, h.address+test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		resp, err := h.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var answer httpapi.Error
		if test.method != "HEAD" {
			err = json.NewDecoder(resp.Body).Decode(&answer)
		}
		resp.Body.Close()
		if err != nil || resp.StatusCode != test.status || answer.Code != test.code || resp.Header.Get("Allow") != test.allow ||
			resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: got %d %s with Allow %q, %v", test.method, test.path, resp.StatusCode, answer.Code, resp.Header.Get("Allow"), err)
		}
	}
	// A body on the wrong path is not read: the mux stands in front.
	if resp, body := h.do("/booking/b-1", `{"a":`); resp.StatusCode != 405 {
		t.Errorf("got %d %s", resp.StatusCode, body)
	}
}

// A body that is nested too deep is called so, however deep it is.
func TestTooDeep(t *testing.T) {
	h := open(t, runtime.Config{})
	for _, levels := range []int{codec.MaxDepth + 1, 20_000} {
		for name, body := range map[string]string{
			"unknown field": `{"more":` + strings.Repeat("[", levels) + strings.Repeat("]", levels) + `}`,
			"field":         `{"remarks":` + strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels) + `}`,
			"body":          strings.Repeat("[", levels) + strings.Repeat("]", levels),
		} {
			answer := httptest.NewRecorder()
			request := httptest.NewRequest(http.MethodPost, "/booking/inputs/Request", strings.NewReader(body))
			request.Header.Set("Content-Type", "application/json")
			h.handler.ServeHTTP(answer, request)
			text := answer.Body.String()
			if answer.Code != http.StatusUnprocessableEntity || !strings.Contains(text, "the document is nested too deep") || strings.Contains(text, "not JSON") {
				t.Errorf("%s, %d levels: %d %.300s", name, levels, answer.Code, text)
			}
		}
	}
}
