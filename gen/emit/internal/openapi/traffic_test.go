package openapi_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/errors"

	"github.com/ironflow-gen/ironflow/gen/emit/internal/booking"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

// house is the handler of the workflow booking on a store of its own, and the document that it serves.
type house struct {
	*testing.T
	handler  http.Handler
	engine   *runtime.Engine
	document validator.Validator
}

func open(t *testing.T) house {
	t.Parallel()
	store, err := sqlite.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	engine, err := runtime.NewEngine(store, runtime.Config{MaxPayloadBytes: 2000}, booking.NewWorkflow(booking.Decider{}, booking.Evolver{}))
	if err != nil {
		t.Fatal(err)
	}
	h := house{t, booking.NewHTTPHandler(booking.NewClient(engine)), engine, nil}
	served := h.serve(h.request("GET", "/booking/openapi.json", ""))
	text, _ := io.ReadAll(served.Body)
	if h.document, err = read(string(text)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.document.Release)
	return h
}

func (h house) request(method, path, body string) *http.Request {
	r := httptest.NewRequestWithContext(h.Context(), method, path, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func (h house) serve(r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return w.Result()
}

// problems are what the library has against a request or an answer.
type problems []*errors.ValidationError

func (p problems) String() string {
	var b strings.Builder
	for _, err := range p {
		b.WriteString("\n" + err.Message + ": " + err.Reason)
		for _, at := range err.SchemaValidationErrors {
			b.WriteString("\n  " + at.FieldPath + ": " + at.Reason)
		}
	}
	return b.String()
}

const (
	request  = `{"booking_id":"b-1","room":"r","guests":[{"name":"Ann","meals":["dinner"],"deposit":"12.50"}],"nights":2,"arrival":"2031-03-04T05:06:07Z","checkin_after":"1h30m","photo":"AP8=","extras":{"cot":1},"discount":0.5,"remarks":{"a":[1]},"late":false}`
	tooLong  = `{"booking_id":"b-9","room":"r9","guests":null,"nights":2,"arrival":"2031-03-04T05:06:07Z","checkin_after":"1h","photo":null,"extras":null,"late":false,"remarks":"`
	fiveOf   = `{"booking_id":"b-5","room":"r5","guests":[G,G,G,G,G],"nights":2,"arrival":"2031-03-04T05:06:07Z","checkin_after":"1h","photo":null,"extras":null,"late":true}`
	oneGuest = `{"name":"","meals":null,"deposit":"0"}`
)

// unsigned is a request for a room of its own, with more fields. The library reads a number as a float64, so the largest reference here is
// the largest of those below 1<<64.
func unsigned(id, fields string) string {
	return strings.NewReplacer("b-1", id, `"room":"r"`, `"room":"`+id+`",`+fields).Replace(request)
}

// What the handler takes and answers is what its document says of it. What the document does not allow, it refuses.
func TestTraffic(t *testing.T) {
	h := open(t)
	statuses := map[int]int{}
	for _, test := range []struct {
		method, path, body string
		status             int
		conforms           bool   // the request
		says               string // part of the answer
		header             string
	}{
		{"GET", "/booking/b-1", "", 404, true, "unknown_instance", ""},
		{"GET", "/booking/b-1/history", "", 404, true, "unknown_instance", ""},
		{"POST", "/booking/inputs/Request", request, 200, true, `"accepted"`, "Idempotency-Key: k-1"},
		{"POST", "/booking/inputs/Request", request, 200, true, `"accepted"`, "Idempotency-Key: k-1"},
		{"POST", "/booking/inputs/Request", strings.Replace(request, `"nights":2`, `"nights":3`, 1), 422, true, "idempotency_key_reused", "Idempotency-Key: k-1"},
		{"POST", "/booking/inputs/Request", request, 400, true, "bad_request", "Idempotency-Key: "}, // an empty header is none to the library
		{"GET", "/booking/b-1", "", 200, true, `"favourite":""`, ""},                                // not set yet
		{"POST", "/booking/inputs/Order", `{"booking_id":"b-1","meal":"dinner","type":"Order"}`, 200, true, `"Ordered"`, ""},
		{"GET", "/booking/b-1", "", 200, true, `"favourite":"dinner"`, ""},
		{"GET", "/booking/b-1?version=1", "", 200, true, `"version":1`, ""},
		{"GET", "/booking/b-1?version=7", "", 404, true, "unknown_version", ""},
		{"GET", "/booking/b-1?version=x", "", 400, false, "bad_request", ""},
		{"GET", "/booking/b-1/history", "", 200, true, `"Ordered"`, ""},
		{"GET", "/booking/b-1/history?after=1&limit=1", "", 200, true, `"more":false`, ""},
		{"GET", "/booking/b-1/history?limit=1001", "", 400, false, "bad_request", ""},
		{"GET", "/booking/b-1/history?after=-1", "", 400, false, "bad_request", ""},
		{"GET", "/booking/machine", "", 200, true, `"booked"`, ""},
		{"GET", "/booking/machine?format=json", "", 200, true, `"booked"`, ""},
		{"GET", "/booking/machine?format=dot", "", 400, false, "bad_request", ""},
		{"POST", "/booking/inputs/Request", request, 409, true, `"NotAccepted"`, ""},
		{"POST", "/booking/inputs/Request", strings.Replace(request, "b-1", "b-2", 1), 409, true, "unique_key_conflict", ""},
		{"POST", "/booking/inputs/Request", strings.ReplaceAll(fiveOf, "G", oneGuest), 409, true, `"TooMany"`, ""},
		{"POST", "/booking/inputs/Request", tooLong + strings.Repeat("x", 2000) + `"}`, 413, true, "too_large", ""},
		{"POST", "/booking/inputs/Order", `{"booking_id":"b-1","meal":"dinner"}`, 415, false, "unsupported_media_type", "Content-Type: text/plain"},
		{"POST", "/booking/inputs/Order", `{"booking_id":`, 400, false, "malformed_json", ""},
		{"POST", "/booking/inputs/Order", `{}`, 422, false, `{"path":"meal","message":"the field is missing"}`, ""},
		{"POST", "/booking/inputs/Order", `{"booking_id":7,"meal":"lunch"}`, 422, false, `"path":"meal"`, ""},
		{"POST", "/booking/inputs/Order", `{"booking_id":"","meal":"dinner"}`, 422, false, `"path":"booking_id"`, ""},
		{"POST", "/booking/inputs/Order", `[]`, 422, false, `"path":""`, ""},
		{"POST", "/booking/inputs/Order", `{"booking_id":"b-1","meal":"dinner","type":"Leave"}`, 422, false, `"path":"type"`, ""},
		{"POST", "/booking/inputs/Request", strings.Replace(request, `"nights":2`, `"nights":2.5`, 1), 422, false, `"path":"nights"`, ""},
		{"POST", "/booking/inputs/Request", strings.Replace(request, `{"cot":1}`, `{"cot":2147483648}`, 1), 422, false, `"path":"extras[#0]"`, ""},
		{"POST", "/booking/inputs/Request", strings.Replace(request, `"nights":2`, `"nights":9223372036854775808`, 1), 422, false, `"path":"nights"`, ""},
		{"POST", "/booking/inputs/Request", unsigned("b-3", `"door":4294967295,"reference":18446744073709549568`), 200, true, `"reference":18446744073709549568`, ""},
		{"GET", "/booking/b-3/history", "", 200, true, `"reference":18446744073709549568`, ""},
		{"POST", "/booking/inputs/Request", unsigned("b-4", `"door":0,"reference":0`), 200, true, `"reference":0`, ""},
		{"POST", "/booking/inputs/Request", unsigned("b-6", `"door":-1`), 422, false, `{"path":"door","message":"the number does not fit into a uint32"}`, ""},
		{"POST", "/booking/inputs/Request", unsigned("b-6", `"door":4294967296`), 422, false, `{"path":"door","message":"the number does not fit into a uint32"}`, ""},
		{"POST", "/booking/inputs/Request", unsigned("b-6", `"door":0.5`), 422, false, `"path":"door"`, ""},
		{"POST", "/booking/inputs/Request", unsigned("b-6", `"reference":-1`), 422, false, `{"path":"reference","message":"the number does not fit into a uint64"}`, ""},
		{"POST", "/booking/inputs/Request", unsigned("b-6", `"reference":18446744073709551616`), 422, false, `"path":"reference"`, ""},
		{"POST", "/booking/inputs/Request", unsigned("b-6", `"reference":"1"`), 422, false, `"path":"reference"`, ""},
		{"POST", "/booking/inputs/Request", strings.Replace(request, "2031-03-04T", "2031-03-04 ", 1), 422, false, `"path":"arrival"`, ""},
		{"POST", "/booking/inputs/Request", strings.Replace(request, "12.50", "12,50", 1), 422, false, `"path":"guests[0].deposit"`, ""},
		{"POST", "/booking/inputs/Request", strings.Replace(request, "AP8=", "AP8", 1), 422, false, `"path":"photo"`, ""},
		{"POST", "/booking/inputs/Request", strings.Replace(request, "1h30m", "90 minutes", 1), 422, false, `"path":"checkin_after"`, ""},
		{"POST", "/booking/inputs/Request", strings.Replace(request, `"late":false`, `"late":null`, 1), 422, false, `"path":"late"`, ""},
		{"POST", "/booking/inputs/Leave", `{"booking_id":"b-1"}`, 200, true, `"Left"`, ""},
		{"POST", "/booking/inputs/Leave", `{"booking_id":"b-1"}`, 409, true, "already_completed", ""},
		{"GET", "/booking/b-1/history", "", 200, true, `"Left"`, ""},
	} {
		what := test.method + " " + test.path + " " + test.body
		ask := func() *http.Request {
			r := h.request(test.method, test.path, test.body)
			if name, value, set := strings.Cut(test.header, ": "); set {
				r.Header.Set(name, value)
			}
			return r
		}
		resp := h.serve(ask())
		body, _ := io.ReadAll(resp.Body)
		resp.Body = io.NopCloser(bytes.NewReader(body))
		if resp.StatusCode != test.status || !strings.Contains(string(body), test.says) {
			t.Errorf("%s: got %d %s, want %d %s", what, resp.StatusCode, body, test.status, test.says)
			continue
		}
		statuses[resp.StatusCode]++
		if ok, errs := h.document.ValidateHttpRequest(ask()); ok != test.conforms {
			t.Errorf("%s: that the request is as the document says is %t, and should not be%s", what, ok, problems(errs))
		}
		if ok, errs := h.document.ValidateHttpResponse(ask(), resp); !ok {
			t.Errorf("%s: the answer %d %s is not as the document says:%s", what, resp.StatusCode, body, problems(errs))
		}
	}
	for _, status := range []int{200, 400, 404, 409, 413, 415, 422} {
		if statuses[status] == 0 {
			t.Errorf("nothing was answered with %d", status)
		}
	}
}

// What goes wrong inside, and a pause, are in the document too.
func TestTrafficInTrouble(t *testing.T) {
	h := open(t)
	leave := func() *http.Request { return h.request("POST", "/booking/inputs/Leave", `{"booking_id":"b-1"}`) }
	if err := h.engine.PauseWorkflow(t.Context(), runtime.Pause{Workflow: booking.WorkflowName, RefuseInputs: true}); err != nil {
		t.Fatal(err)
	}
	resp := h.serve(leave())
	if ok, errs := h.document.ValidateHttpResponse(leave(), resp); resp.StatusCode != 503 || !ok {
		t.Errorf("got %d%s", resp.StatusCode, problems(errs))
	}
	nothing := strings.Replace(request, `"nights":2`, `"nights":0`, 1) // which the decider does not expect
	h = house{T: t, handler: h.handler, engine: h.engine, document: h.document}
	if err := h.engine.ResumeWorkflow(t.Context(), booking.WorkflowName); err != nil {
		t.Fatal(err)
	}
	if resp := h.serve(h.request("POST", "/booking/inputs/Request", nothing)); resp.StatusCode != 200 {
		t.Fatalf("got %d", resp.StatusCode)
	}
	order := func() *http.Request {
		return h.request("POST", "/booking/inputs/Order", `{"booking_id":"b-1","meal":"dinner"}`)
	}
	resp = h.serve(order())
	if ok, errs := h.document.ValidateHttpResponse(order(), resp); resp.StatusCode != 500 || !ok {
		t.Errorf("got %d%s", resp.StatusCode, problems(errs))
	}
}

// Answers that are not as the document says are found: the tests above can fail.
func TestWrongAnswers(t *testing.T) {
	h := open(t)
	ask := func() *http.Request {
		return h.request("POST", "/booking/inputs/Order", `{"booking_id":"b-1","meal":"dinner"}`)
	}
	for name, answer := range map[string]struct {
		status int
		body   string
	}{
		"right":           {200, `{"outcome":"accepted","version":2,"events":[{"type":"Ordered","payload":{"meal":"dinner"}}]}`},
		"right too":       {422, `{"error":"invalid_input","message":"m","mistakes":[{"path":"meal","message":"m"}]}`},
		"outcome":         {200, `{"outcome":"refused","version":2,"events":[]}`},
		"no events":       {200, `{"outcome":"accepted","version":2}`},
		"other event":     {200, `{"outcome":"accepted","version":2,"events":[{"type":"Left","payload":{}}]}`},
		"enum":            {200, `{"outcome":"accepted","version":2,"events":[{"type":"Ordered","payload":{"meal":"lunch"}}]}`},
		"no code":         {422, `{"message":"m"}`},
		"another's code":  {422, `{"error":"rejected","message":"m"}`},
		"mistake":         {422, `{"error":"invalid_input","message":"m","mistakes":["meal"]}`},
		"pathless":        {422, `{"error":"invalid_input","message":"m","mistakes":[{"message":"m"}]}`},
		"no mistakes":     {422, `{"error":"invalid_input","message":"m","mistakes":[]}`},
		"rejection":       {409, `{"error":"rejected","message":"m","rejection":{"type":"TooMany","payload":{"most":"4"}}}`},
		"what is no code": {404, `{"error":"gone","message":"m"}`},
		"status":          {418, `{"error":"rejected","message":"m"}`},
	} {
		w := httptest.NewRecorder()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(answer.status)
		_, _ = w.WriteString(answer.body)
		if ok, errs := h.document.ValidateHttpResponse(ask(), w.Result()); ok != strings.HasPrefix(name, "right") {
			t.Errorf("%s: valid is %t%s", name, ok, problems(errs))
		}
	}
}
