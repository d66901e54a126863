package booking

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/httpapi"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is a server with the workflow, below a path of its own.
type house struct {
	*testing.T
	engine  *runtime.Engine
	local   *Client
	client  *HTTPClient
	http    *http.Client
	address string
	handler http.Handler
}

func open(t *testing.T, config runtime.Config) house {
	t.Parallel()
	t.Helper()
	store, err := sqlite.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	engine, err := runtime.NewEngine(store, config, NewWorkflow(Decider{}, Evolver{}))
	if err != nil {
		t.Fatal(err)
	}
	handler := NewHTTPHandler(NewClient(engine))
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client := &http.Client{Transport: newChecked(t, server.Client().Transport)}
	return house{t, engine, NewClient(engine), NewHTTPClient(server.URL+"/", client), client, server.URL, handler}
}

func request(id, room string, guests ...Guest) Request {
	door, reference := uint32(math.MaxUint32), uint64(math.MaxUint64)
	return Request{
		BookingID: id, Room: room, Guests: guests, Nights: 2, Arrival: time.Date(2031, 3, 4, 5, 6, 7, 8, time.UTC),
		CheckinAfter: 90 * time.Minute, Photo: []byte{0, 255}, Extras: map[string]int32{"cot": 1}, Remarks: json.RawMessage(`{"a":[1]}`),
		Door: &door, Reference: &reference,
	}
}

// The client that speaks HTTP gives what the client in the process gives.
func TestClient(t *testing.T) {
	h := open(t, runtime.Config{})
	ctx := h.Context()
	for _, id := range []string{"b-1", "machine", "openapi.json", "a/b ü%2F?#", "..", "inputs", "/", "//", ".", "/.", "a/../b", "a//b", "%2F", "state",
		"history", "~", "~Lg", "Request", "a/state", "\\", "\n\x7f", strings.Repeat("/", 400)} {
		reference := uint64(math.MaxUint64)
		guest := Guest{Name: "Ann", Meals: []Meal{MealDinner}, Deposit: "12.50"}
		requested, err := h.client.Request(ctx, request(id, "room "+id, guest))
		want := []RequestEvent{Requested{Guests: []Guest{guest}, Nights: 2, Photo: []byte{0, 255}, Extras: map[string]int32{"cot": 1},
			Remarks: json.RawMessage(`{"a":[1]}`), CheckinAfter: 90 * time.Minute, Reference: &reference}}
		if err != nil || !requested.Accepted() || requested.Version != 1 || !reflect.DeepEqual(requested.Events, want) {
			t.Fatalf("%s: got %v, %v", id, requested, err)
		}
		ordered, err := h.client.Order(ctx, Order{BookingID: id, Meal: MealBreakfast})
		if err != nil || !ordered.Accepted() || ordered.Version != 2 {
			t.Fatalf("%s: got %v, %v", id, ordered, err)
		}
		refused, err := h.client.Request(ctx, request(id, "another"))
		if err != nil || refused.Rejection != (NotAccepted{Input: "Request", State: StatusBooked}) || refused.Version != 2 {
			t.Errorf("%s: got %v, %v", id, refused, err)
		}
		same(t, id, func() (any, error) { return h.client.State(ctx, id) }, func() (any, error) { return h.local.State(ctx, id) })
		same(t, id, func() (any, error) { return h.client.StateAt(ctx, id, 1) }, func() (any, error) { return h.local.StateAt(ctx, id, 1) })
		if left, err := h.client.Leave(ctx, Leave{BookingID: id}); err != nil || !left.Accepted() {
			t.Errorf("%s: got %v, %v", id, left, err)
		}
		late, err := h.client.Order(ctx, Order{BookingID: id, Meal: MealDinner})
		if err != nil || !late.AlreadyCompleted() || late.Version != 3 {
			t.Errorf("%s: got %v, %v", id, late, err)
		}
		same(t, id, func() (any, error) { return h.client.History(ctx, id) }, func() (any, error) { return h.local.History(ctx, id) })
	}
	many, err := h.client.Request(ctx, request("b-2", "r", make([]Guest, 0)...))
	if err != nil || !many.Accepted() {
		t.Errorf("got %v, %v", many, err)
	}
	guests := make([]Guest, 5)
	for i := range guests {
		guests[i].Deposit = "0"
	}
	many, err = h.client.Request(ctx, request("b-3", "r3", guests...))
	if err != nil || many.Rejection != (TooMany{Most: 4}) {
		t.Errorf("got %v, %v", many, err)
	}
	_, err = h.client.State(ctx, "b-3")
	wantError(t, err, http.StatusNotFound, httpapi.UnknownInstance)
	_, err = h.client.History(ctx, "b-3")
	wantError(t, err, http.StatusNotFound, httpapi.UnknownInstance)
	_, err = h.client.StateAt(ctx, "b-1", 9)
	wantError(t, err, http.StatusNotFound, httpapi.UnknownVersion)
	conflict, err := h.client.Request(ctx, request("b-4", "r"))
	if e := wantError(t, err, http.StatusConflict, httpapi.UniqueKeyConflict); strings.Contains(e.Message, "b-2") || conflict.Accepted() {
		t.Errorf("the answer tells of another instance: %q", e.Message)
	}
}

func same(t *testing.T, id string, remote, local func() (any, error)) {
	t.Helper()
	got, err := remote()
	want, wantErr := local()
	if err != nil || wantErr != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %+v, %v\nwant %+v, %v", id, got, err, want, wantErr)
	}
}

func wantError(t *testing.T, err error, status int, code httpapi.Code) *httpapi.Error {
	t.Helper()
	e, ok := errors.AsType[*httpapi.Error](err)
	if !ok || e.Status != status || e.Code != code {
		t.Fatalf("got %v, want %d %s", err, status, code)
	}
	return e
}

func TestIdempotencyKey(t *testing.T) {
	h := open(t, runtime.Config{})
	ctx := h.Context()
	h.request(request("b-1", "r"))
	key := httpapi.WithIdempotencyKey("k-1")
	for range 2 {
		if out, err := h.client.Order(ctx, Order{BookingID: "b-1", Meal: MealDinner}, key); err != nil || out.Version != 2 || !out.Accepted() {
			t.Errorf("got %v, %v", out, err)
		}
	}
	if view, err := h.local.State(ctx, "b-1"); err != nil || view.Version != 2 {
		t.Errorf("got %+v, %v", view, err)
	}
	_, err := h.client.Order(ctx, Order{BookingID: "b-1", Meal: MealBreakfast}, key)
	wantError(t, err, http.StatusUnprocessableEntity, httpapi.IdempotencyKeyReused)
	_, err = h.client.Order(ctx, Order{BookingID: "b-1", Meal: MealDinner}, httpapi.WithIdempotencyKey(""))
	wantError(t, err, http.StatusBadRequest, httpapi.BadRequest)
}

func (h house) request(in Request) {
	h.Helper()
	if out, err := h.local.Request(h.Context(), in); err != nil || !out.Accepted() {
		h.Fatalf("got %v, %v", out, err)
	}
}

// do makes a request and returns the answer with its body. A body makes it a POST.
func (h house) do(path, body string, header ...string) (*http.Response, string) {
	h.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(h.Context(), method, h.address+path, strings.NewReader(body))
	if err != nil {
		h.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := h.http.Do(r)
	if err != nil {
		h.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		h.Fatal(err)
	}
	return resp, string(text)
}

// The trace that a client names is stored with the decision; what is no trace is no mistake.
func TestTraceparent(t *testing.T) {
	h := open(t, runtime.Config{})
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for id, test := range map[string]struct{ sent, stored string }{"b-1": {trace, trace}, "b-2": {"nonsense", ""}, "b-3": {"", ""}} {
		requested, err := h.client.Request(h.Context(), request(id, "room "+id), httpapi.WithHeader("traceparent", test.sent))
		if err != nil || !requested.Accepted() {
			t.Fatalf("got %v, %v", requested, err)
		}
		why, err := h.engine.Why(h.Context(), runtime.InstanceKey{Workflow: WorkflowName, ID: id}, 1)
		if err != nil || why.Chain[0].Cause.Trace != test.stored {
			t.Errorf("%s: got %+v, %v", id, why, err)
		}
	}
}

func TestAnswers(t *testing.T) {
	h := open(t, runtime.Config{MaxPayloadBytes: 2000})
	h.request(request("b-1", "r"))
	none := request("none", "n")
	none.Nights = 0
	h.request(none)
	// valid is an input whose last field is to be changed.
	const valid = `{"booking_id":"x","room":"x","nights":1,"arrival":"2031-01-02T03:04:05Z","checkin_after":"1h","photo":null,"extras":null,"late":true,`
	for _, test := range []struct {
		input, body string
		status      int
		want        string // part of the answer
	}{
		{"Order", `{"booking_id":"b-1","meal":"dinner"}`, 200,
			`{"outcome":"accepted","version":2,"events":[{"type":"Ordered","payload":{"meal":"dinner"}}]}`},
		{"Order", `{"type":"Order","booking_id":"b-1","meal":"dinner","more":1}`, 200, `"version":3`},
		{"Order", `{"booking_id":"b-9","meal":"dinner"}`, 409,
			`"rejection":{"type":"NotAccepted","payload":{"input":"Order","state":"new"}}}`},
		{"Orders", `{}`, 404, `"error":"unknown_input"`},
		{"Order", `{"booking_id":`, 400, `"error":"malformed_json"`},
		{"Order", ` `, 400, `"error":"malformed_json"`},
		{"Order", `{} {}`, 400, `"error":"malformed_json"`},
		{"Order", `[]`, 422, `"mistakes":[{"path":"","message":"expected an object, found a list"}]`},
		{"Order", `{"type":"Leave","booking_id":"b-1"}`, 422, `"path":"type"`},
		{"Order", `{"type":"","booking_id":"b-1","meal":"dinner"}`, 422, `"path":"type"`},
		{"Order", `{"type":7,"booking_id":"b-1"}`, 422, `"path":"type"`},
		{"Order", `{"booking_id":"b-1"}`, 422, `{"path":"meal","message":"the field is missing"}`},
		{"Order", `{"booking_id":"","meal":"dinner"}`, 422, `{"path":"booking_id","message":"the instance id is empty"}`},
		{"Request", valid + `"guests":[{"name":"a","meals":["dinner","lunch"],"deposit":"1"}]}`, 422, `"path":"guests[0].meals[1]"`},
		{"Request", valid + `"guests":[{"name":"a","meals":[],"deposit":1}]}`, 422, `"path":"guests[0].deposit"`},
		{"Request", strings.Replace(valid, `"room":"x"`, `"room":""`, 1) + `"guests":[]}`, 422, `"path":"room"`},
		{"Request", valid + `"guests":[],"remarks":"` + strings.Repeat("x", 2000) + `"}`, 413, `"error":"too_large"`},
		{"Request", valid + `"guests":[],"reference":18446744073709551616,"door":-1}`, 422, `"mistakes":[` +
			`{"path":"reference","message":"the number does not fit into a uint64"},{"path":"door","message":"the number does not fit into a uint32"}]`},
		{"Request", valid + `"guests":[],"reference":1e3,"door":1.0}`, 422, `"mistakes":[` +
			`{"path":"reference","message":"expected an integer, found a number with a fraction or an exponent"},` +
			`{"path":"door","message":"expected an integer, found a number with a fraction or an exponent"}]`},
		{"Order", `{"booking_id":"none","meal":"dinner"}`, 500, `{"error":"internal","message":"something went wrong"}`},
	} {
		resp, body := h.do("/booking/inputs/"+test.input, test.body)
		if resp.StatusCode != test.status || !strings.Contains(body, test.want) {
			t.Errorf("%s %s: got %d %s, want %d %s", test.input, test.body, resp.StatusCode, body, test.status, test.want)
		}
		if strings.Contains(body, "secret") {
			t.Errorf("the answer tells of what is inside: %s", body)
		}
	}
	for _, media := range []string{"", "text/plain", "application/x-www-form-urlencoded"} {
		if resp, body := h.do("/booking/inputs/Order", "{}", "Content-Type", media); resp.StatusCode != 415 || resp.Header.Get("Accept-Post") == "" {
			t.Errorf("%q: got %d %s", media, resp.StatusCode, body)
		}
	}
	if resp, _ := h.do("/booking/inputs/Leave", `{"booking_id":"b-1"}`, "Content-Type", "application/json; charset=utf-8"); resp.StatusCode != 200 {
		t.Errorf("got %d", resp.StatusCode)
	}
	if resp, body := h.do("/booking/inputs/Leave", `{"booking_id":"b-1"}`); resp.StatusCode != 409 || !strings.Contains(body, `"already_completed"`) {
		t.Errorf("got %d %s", resp.StatusCode, body)
	}
	if resp, _ := h.do("/booking/b-1", "{}"); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("got %d", resp.StatusCode)
	}
}

func TestQuestions(t *testing.T) {
	h := open(t, runtime.Config{})
	h.request(request("b-1", "r"))
	for range 4 {
		if _, err := h.local.Order(h.Context(), Order{BookingID: "b-1", Meal: MealDinner}); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		path, accept string
		status       int
		want         string
	}{
		{"/booking/b-1", "", 200, `{"state":{"status":"booked","guests":`},
		{"/booking/b-1?version=1", "", 200, `"favourite":"","price":"","nights":2},"version":1,"completed":false,"last_event_at":"20`},
		{"/booking/b-1?version=6", "", 404, `"unknown_version"`},
		{"/booking/b-1?version=x", "", 400, `"bad_request"`},
		{"/booking/b-2", "", 404, `"unknown_instance"`},
		{"/booking/%00", "", 404, `"unknown_instance"`},
		{"/booking/b-1/history?limit=1", "", 200, `"more":true}`},
		{"/booking/b-1/history?after=4", "", 200, `{"events":[{"type":"Ordered","payload":{"meal":"dinner"},"version":5,"global_sequence":5,"recorded_at":"20`},
		{"/booking/b-1/history?after=4", "", 200, `"more":false}`},
		{"/booking/b-1/history?after=5", "", 200, `{"events":[],"more":false}`},
		{"/booking/b-1/history?limit=0", "", 400, `"bad_request"`},
		{"/booking/b-1/history?limit=1001", "", 400, `"bad_request"`},
		{"/booking/b-1/history?after=-1", "", 400, `"bad_request"`},
		{"/booking/b-2/history", "", 404, `"unknown_instance"`},
		{"/booking/machine", "", 200, `{"workflow":"booking","states":[{"name":"new","terminal":false,"accepts":[{"input":"Request","events":[{"event":"Requested","to":"booked"}],"effects":[],"timers":[]}]}`},
		{"/booking/machine", "*/*", 200, `{"workflow"`},
		{"/booking/machine", "text/vnd.mermaid;q=0.9, */*", 200, "s0 --> s1: Request → Requested\n"},
		{"/booking/machine?format=mermaid", "application/json", 200, "stateDiagram-v2\n"},
		{"/booking/machine?format=dot", "", 400, `"bad_request"`},
		{"/booking/openapi.json", "", 200, openAPI},
		{"/bookings/b-1", "", 404, ""},
	} {
		resp, body := h.do(test.path, "", "Accept", test.accept)
		if resp.StatusCode != test.status || !strings.Contains(body, test.want) {
			t.Errorf("%s: got %d %s, want %d %s", test.path, resp.StatusCode, body, test.status, test.want)
		}
	}
	// A page of three is what the local client has of the middle.
	_, body := h.do("/booking/b-1/history?after=1&limit=3", "")
	var page httpapi.History
	if err := json.Unmarshal([]byte(body), &page); err != nil || len(page.Events) != 3 || page.Events[0].Version != 2 || !page.More {
		t.Errorf("got %+v, %v", page, err)
	}
}

func TestUnavailable(t *testing.T) {
	h := open(t, runtime.Config{})
	ctx, cancel := context.WithCancel(h.Context())
	cancel()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/booking/inputs/Leave", bytes.NewReader([]byte(`{"booking_id":"b"}`)))
	r.Header.Set("Content-Type", "application/json")
	h.handler.ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), `"unavailable"`) {
		t.Errorf("got %d %v %s", w.Code, w.Header(), w.Body)
	}
	err := h.engine.PauseWorkflow(h.Context(), runtime.Pause{Workflow: WorkflowName, Reason: "secret", RefuseInputs: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.client.Leave(h.Context(), Leave{BookingID: "b"})
	if e := wantError(t, err, http.StatusServiceUnavailable, httpapi.Paused); e.RetryAfter != time.Second || strings.Contains(e.Message, "secret") {
		t.Errorf("got %+v", e)
	}
}

// failing is a store whose reads and commits fail.
type failing struct {
	*sqlite.Store
	err error
}

func (f *failing) Read(ctx context.Context, requests []store.ReadRequest) ([]store.Instance, error) {
	if f.err != nil {
		return nil, f.err
	}
	return f.Store.Read(ctx, requests)
}

func (f *failing) Begin(context.Context, []store.ReadRequest) (store.UnitOfWork, error) {
	return nil, f.err
}

func (f *failing) History(ctx context.Context, key runtime.InstanceKey, after int64, limit int) ([]runtime.StoredEvent, error) {
	if f.err != nil {
		return nil, f.err
	}
	return f.Store.History(ctx, key, after, limit)
}

// 500 is for faults of this program only: when the store fails, or is ahead of it, the answer says what became of the request.
func TestStoreFails(t *testing.T) {
	unknownEvent := &runtime.UnknownEvent{Instance: runtime.InstanceKey{Workflow: WorkflowName, ID: "b"}, Version: 1, Type: "Upgraded"}
	for name, test := range map[string]struct {
		err    error
		status int
		code   httpapi.Code
		is     error
	}{
		"unavailable":      {&runtime.Unavailable{Reason: "down", Err: errors.New("secret")}, 503, httpapi.Unavailable, nil},
		"a deadline":       {context.DeadlineExceeded, 503, httpapi.Unavailable, nil},
		"a newer event":    {fmt.Errorf("reading: %w", unknownEvent), 503, httpapi.Unavailable, nil},
		"outcome unknown":  {fmt.Errorf("%w: %w", runtime.ErrOutcomeUnknown, context.DeadlineExceeded), 504, httpapi.OutcomeUnknown, runtime.ErrOutcomeUnknown},
		"anything else":    {errors.New("secret"), 500, httpapi.Internal, nil},
		"a panic in a way": {&runtime.PanicError{In: "secret", Value: unknownEvent}, 500, httpapi.Internal, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			memory, err := sqlite.OpenMemory(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { memory.Close() })
			engine, err := runtime.NewEngine(&failing{memory, test.err}, runtime.Config{}, NewWorkflow(Decider{}, Evolver{}))
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(NewHTTPHandler(NewClient(engine)))
			t.Cleanup(server.Close)
			client := NewHTTPClient(server.URL, &http.Client{Transport: newChecked(t, server.Client().Transport)})
			check := func(err error) {
				t.Helper()
				e := wantError(t, err, test.status, test.code)
				if (e.RetryAfter > 0) != (test.status == 503) || strings.Contains(e.Message, "secret") {
					t.Errorf("got %+v", e)
				}
				if _, unavailable := errors.AsType[*runtime.Unavailable](err); unavailable != (test.status == 503) {
					t.Errorf("it is a *runtime.Unavailable: %t", unavailable)
				}
				if test.is != nil && !errors.Is(err, test.is) {
					t.Errorf("%v is not %v", err, test.is)
				}
			}
			_, err = client.Leave(t.Context(), Leave{BookingID: "b"})
			check(err)
			if test.status == 504 { // reads have no outcome
				return
			}
			_, err = client.State(t.Context(), "b")
			check(err)
			_, err = client.History(t.Context(), "b")
			check(err)
		})
	}
}

// The client tells a request that did not reach the server from one whose answer was lost.
func TestClientLosesTheServer(t *testing.T) {
	t.Parallel()
	lost := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer lost.Close()
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGatewayTimeout) }))
	defer gateway.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for address, unknown := range map[string]bool{lost.URL: true, gateway.URL: true, gone.URL: false} {
		client := NewHTTPClient(address, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}})
		_, err := client.Leave(t.Context(), Leave{BookingID: "b"})
		_, unavailable := errors.AsType[*runtime.Unavailable](err)
		if errors.Is(err, runtime.ErrOutcomeUnknown) != unknown || unavailable == unknown {
			t.Errorf("%s: got %v", address, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := client.Leave(ctx, Leave{BookingID: "b"}); !errors.Is(err, context.Canceled) || errors.Is(err, runtime.ErrOutcomeUnknown) {
			t.Errorf("%s: got %v, when nothing was sent", address, err)
		}
	}
}

// What is answered by something else is an error without a code.
func TestForeignServer(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	_, err := NewHTTPClient(server.URL, server.Client()).Leave(t.Context(), Leave{BookingID: "b"})
	if e := wantError(t, err, http.StatusNotFound, ""); !strings.Contains(e.Message, "404 page not found") {
		t.Errorf("got %q", e.Message)
	}
	if _, err := NewHTTPClient("shop.example", nil).State(t.Context(), "b"); err == nil || !strings.Contains(err.Error(), "https://") {
		t.Errorf("got %v", err)
	}
}
