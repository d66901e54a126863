package booking

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/httpapi"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Every id can be asked for, also where the handler is in a mux that cleans paths.
func TestIDsBehindAMux(t *testing.T) {
	h := open(t, runtime.Config{})
	mux := http.NewServeMux()
	mux.Handle("/api/", http.StripPrefix("/api", h.handler))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	client := NewHTTPClient(server.URL+"/api", server.Client())
	for _, id := range []string{"plain", "/", "//", ".", "..", "/a", "a/", "a//b", "a/./b", "a/../..", "~", "~Lw", "%2F", "%", " ", "?", "#", "\\..\\", "é/"} {
		if out, err := client.Request(h.Context(), request(id, "room "+id)); err != nil || !out.Accepted() {
			t.Fatalf("%q: got %v, %v", id, out, err)
		}
		same(t, id, func() (any, error) { return client.State(h.Context(), id) }, func() (any, error) { return h.local.State(h.Context(), id) })
		same(t, id, func() (any, error) { return client.History(h.Context(), id) }, func() (any, error) { return h.local.History(h.Context(), id) })
	}
}

// Whoever escapes ids himself finds them where nothing in front cleans the path, and what leads nowhere is an error in JSON and no redirect.
func TestIDsAsTheyAre(t *testing.T) {
	h := open(t, runtime.Config{})
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for i, id := range []string{"/", ".", "..", "a//b", "inputs", "state", "machine"} {
		if out, err := h.local.Request(h.Context(), request(id, "room "+id, make([]Guest, 0, i)...)); err != nil || !out.Accepted() {
			t.Fatalf("%q: got %v, %v", id, out, err)
		}
	}
	for path, want := range map[string]struct {
		status int
		code   httpapi.Code
	}{
		"/booking/%2F": {200, ""}, "/booking/%2F/state": {200, ""}, "/booking/%2f/history": {200, ""}, "/booking/%2E/state": {200, ""},
		"/booking/%2E%2E/state": {200, ""}, "/booking/a%2F%2Fb": {200, ""}, "/booking/~Lw": {200, ""}, "/booking/%7ELw/state": {200, ""},
		"/booking/inputs": {200, ""}, "/booking/inputs/state": {200, ""}, "/booking/machine/state": {200, ""}, "/booking/state": {200, ""},
		"/booking/~": {404, httpapi.UnknownPath}, "/booking/~*": {404, httpapi.UnknownPath}, "/booking//state": {404, httpapi.UnknownPath},
		"/booking/": {404, httpapi.UnknownPath}, "/booking": {404, httpapi.UnknownPath}, "//booking/state": {404, httpapi.UnknownPath},
		"/booking/state/": {404, httpapi.UnknownPath}, "/booking/a/../b": {404, httpapi.UnknownPath}, "/booking/b-1/./state": {404, httpapi.UnknownPath},
		"/booking/%FF": {404, httpapi.UnknownInstance}, "/booking/%00/state": {404, httpapi.UnknownInstance},
		"/booking/" + strings.Repeat("x", 513): {404, httpapi.UnknownInstance},
	} {
		resp, err := client.Get(h.address + path)
		if err != nil {
			t.Fatal(err)
		}
		var answer httpapi.Error
		err = json.NewDecoder(resp.Body).Decode(&answer)
		resp.Body.Close()
		if err != nil || resp.StatusCode != want.status || answer.Code != want.code || resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: got %d %s, %v", path, resp.StatusCode, answer.Code, err)
		}
	}
}

// What is no id is refused before anything is sent.
func TestClientRefusesWhatIsNoID(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("a request for %s", r.URL) }))
	t.Cleanup(server.Close)
	client := NewHTTPClient(server.URL, server.Client())
	for _, id := range []string{"", "\xff", "a\x00", strings.Repeat("x", store.MaxIDLength+1)} {
		_, state := client.State(t.Context(), id)
		_, stateAt := client.StateAt(t.Context(), id, 1)
		_, history := client.History(t.Context(), id)
		for _, err := range []error{state, stateAt, history} {
			if invalid, is := errors.AsType[*runtime.InvalidIdentifier](err); !is || invalid.What != store.InstanceID {
				t.Errorf("%.10q: got %v", id, err)
			}
		}
	}
}

// An answer is small, whatever was sent.
func TestAnswersAreBounded(t *testing.T) {
	h := open(t, runtime.Config{})
	nested := func(inside string) string {
		return strings.Repeat(`{"<<<<<<<<<<<<<<<<<<<<<<<<<<<<":`, 980) + inside + strings.Repeat("}", 980)
	}
	broken := "[" + strings.TrimSuffix(strings.Repeat("\"\xff\",", 100), ",") + "]"
	for name, body := range map[string]string{
		"unknown field":   `{"unknown":` + nested(broken) + `}`,
		"known field":     `{"extras":` + nested(broken) + `}`,
		"free field":      `{"remarks":` + nested(broken) + `,"guests":` + nested(broken) + `}`,
		"no end":          `{"unknown":` + strings.TrimRight(nested(broken), "}"),
		"keys":            `{"extras":{"` + strings.Repeat(strings.Repeat("<", 500)+`":"<","`, 2000) + `":1}}`,
		"guests":          `{"guests":[` + strings.Repeat(`{"meals":["<"]},`, 5000) + `{}]}`,
		"type":            `{"type":"` + strings.Repeat("<", 1<<20) + `"}`,
		"id":              `{"booking_id":"` + strings.Repeat("<", 1<<20) + `","room":"` + strings.Repeat("<", 1<<20) + `"}`,
		"too much memory": `{"guests":[` + strings.Repeat(`{},`, 1<<20) + `{}]}`,
	} {
		resp, answer := h.do("/booking/inputs/Request", body)
		if resp.StatusCode != 422 && resp.StatusCode != 400 || len(answer) > 40<<10 {
			t.Errorf("%s: %d bytes were answered with %d and %d bytes", name, len(body), resp.StatusCode, len(answer))
		}
	}
	for _, path := range []string{"/booking/inputs/" + strings.Repeat("%3C", 100_000), "/" + strings.Repeat("%3C", 100_000)} {
		if resp, answer := h.do(path, "{}"); resp.StatusCode != 404 || len(answer) > 1000 {
			t.Errorf("got %d with %d bytes", resp.StatusCode, len(answer))
		}
	}
}
