package console_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/console"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/ironflowtest/postgrestest"
	"github.com/ironflow-gen/ironflow/runtime/ironflowtest/sqlitetest"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

func TestMain(m *testing.M) {
	code := pgserver.Main(m)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

var quiet = slog.New(slog.DiscardHandler)

// hostile is a text that must not be taken for markup, nor turn what stands around it.
const hostile = "<script>alert(1)</script>\"'&\u202etxt.exe\u2066😀"

// shop is a store in which something happened: a ticket is open with a dead letter, and another one has completed.
type shop struct {
	*testing.T
	admin  *admin.Admin
	engine *runtime.Engine
	store  store.Store
}

// onStores runs a test on each store.
func onStores(t *testing.T, test func(s shop)) {
	for name, open := range map[string]func(t *testing.T) store.Store{
		"memory":   func(*testing.T) store.Store { return memory.New() },
		"sqlite":   func(t *testing.T) store.Store { return sqlitetest.Open(t) },
		"postgres": func(t *testing.T) store.Store { return postgrestest.Open(t) },
	} {
		t.Run(name, func(t *testing.T) { test(newShop(t, open(t))) })
	}
}

func newShop(t *testing.T, st store.Store) shop {
	t.Helper()
	engine, err := runtime.NewEngine(st, runtime.Config{Name: "web-1 " + hostile, Version: "v7", Logger: quiet, PollInterval: 10 * time.Millisecond},
		ticket.NewWorkflow(ticket.Decider{
			OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
				return ticket.AcceptOpen(ticket.Opened{Subject: in.Subject}).Effect(ticket.Notify{Text: "hello"})
			},
		}, ticket.Evolver{}, ticket.Handler{OnNotify: func(context.Context, ticket.Notify, runtime.EffectCall) error {
			return runtime.Permanent(errors.New("no such address: " + hostile))
		}}), ledger.NewWorkflow(ledger.Decider{}, ledger.Evolver{}, ledger.Handler{}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- engine.Run(ctx) }()
	client := ticket.NewClient(engine)
	for _, id := range []string{"t-1", hostile} {
		if out, err := client.Open(ctx, ticket.Open{ID: id, Subject: "12345678901234567890 " + hostile + id}); err != nil || !out.Accepted() {
			t.Fatalf("got %+v, %v", out, err)
		}
	}
	a, err := admin.New(st, admin.Config{Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	s := shop{t, a, engine, st}
	for deadline := time.Now().Add(20 * time.Second); s.dead() != 2; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the effects do not die")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return s
}

func (s shop) dead() int {
	s.Helper()
	page, err := s.admin.DeadLetters(context.WithoutCancel(s.Context()), admin.DeadLetterQuery{})
	if err != nil {
		s.Fatal(err)
	}
	return len(page.Items)
}

// as returns a console whose requests are all of one access.
func (s shop) as(role console.Role, payloads bool) http.Handler {
	return s.with(console.Access{Name: "ann", Role: role, Payloads: payloads, ClientInputs: true}, console.Config{Engine: s.engine})
}

// with returns a console with one access for all.
func (s shop) with(access console.Access, config console.Config) http.Handler {
	config.Logger = quiet
	config.Access = func(*http.Request) (console.Access, error) { return access, nil }
	return console.New(s.admin, config)
}

// get asks a handler for a page.
func (s shop) get(h http.Handler, address string) (status int, body string) {
	s.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(s.Context(), http.MethodGet, address, nil))
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		s.Errorf("%s: the policy is %q", address, csp)
	}
	return w.Code, w.Body.String()
}

func (s shop) post(h http.Handler, form url.Values, header ...string) *httptest.ResponseRecorder {
	s.Helper()
	return s.postTo("/change", h, form, header...)
}

func (s shop) postTo(address string, h http.Handler, form url.Values, header ...string) *httptest.ResponseRecorder {
	s.Helper()
	r := httptest.NewRequestWithContext(s.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func instanceAddress(page, id string) string {
	return "/" + page + "?" + url.Values{"workflow": {"ticket"}, "id": {id}}.Encode()
}

// pages are all pages, with a text that each must have.
func pages() map[string]string {
	return map[string]string{
		"/": "2 dead letters of ticket/Notify", "/instances?workflow=ticket": "ticket/t-1", instanceAddress("instance", "t-1"): "dead since",
		instanceAddress("why", "t-1"): "input Open", instanceAddress("instance", hostile): "&lt;script&gt;", "/dead": "effect ticket/Notify", "/stuck?for=1us": "are dead letters, the oldest since",
		"/projections": "can be read", "/programs": "v7", "/workflows": "ticket", "/schedules": "There are none", "/audit": "There is nothing",
		"/instances?id=t-": "ticket/t-1", "/workflow?name=ticket&count=1": "Instances by state",
		"/workflow?name=ticket": "2 instances",
	}
}

// Each page shows what is stored, and nothing that is stored is taken for markup.
func TestPages(t *testing.T) {
	t.Parallel()
	onStores(t, func(s shop) {
		for address := range pages() { // what is kept for a while has nothing of one role for another
			s.get(s.as(console.Admin, true), address)
		}
		viewer := s.as(console.Viewer, false)
		for address, want := range pages() {
			status, body := s.get(viewer, address)
			if wantStatus := http.StatusOK; status != wantStatus || !strings.Contains(body, want) {
				s.Errorf("%s: %d, and %q is not on the page:\n%s", address, status, want, body)
			}
			for _, bad := range []string{"<script>alert", "\u202e", "\u2066", "<no value>", "12345678901234567890", "no such address", `method="post"`, "change?change="} {
				if strings.Contains(body, bad) {
					s.Errorf("%s has %q for a viewer without payloads", address, bad)
				}
			}
			if n := len(body); n > 60_000 {
				s.Errorf("%s has %d bytes", address, n)
			}
		}
		if _, body := s.get(s.as(console.Operator, true), instanceAddress("instance", "t-1")); !strings.Contains(body, "12345678901234567890") || !strings.Contains(body, "Retry Notify") {
			s.Errorf("an operator with payloads sees\n%s", body)
		}
	})
}

// What is not there, or asked for wrongly, is a page that says so.
func TestBadAddresses(t *testing.T) {
	t.Parallel()
	s := newShop(t, memory.New())
	viewer := s.as(console.Viewer, false)
	for address, want := range map[string]int{
		"/none": 404, "/instance?workflow=ticket&id=x": 404, "/instance": 400, "/workflow?name=x": 404, "/instances?cursor=x": 400,
		"/why?workflow=ticket&id=t-1&version=99": 404, "/stuck?for=x": 400, "/stuck?for=3d": 200, "/stuck?for=-1d": 400, "/stuck?for=1h5d": 400, "/audit?operation=pause&target=x": 200, "/change?change=retry": 403, "/instances?id=x": 200, "/instances?field=x&value=y": 400,
		"/instance?workflow=ticket&id=" + strings.Repeat("x", 600): 400, "/dead?queue=x": 400,
	} {
		if got, body := s.get(viewer, address); got != want {
			s.Errorf("%s: %d, want %d\n%s", address, got, want, body)
		}
	}
}

// A role can do what it may, once, with a reason, and nothing by GET.
func TestChanges(t *testing.T) {
	t.Parallel()
	onStores(t, func(s shop) {
		form := url.Values{"change": {"discard"}, "workflow": {"ticket"}, "kind": {"Notify"}, "id": {"t-1"}, "reason": {"the address is gone"}}
		if w := s.post(s.as(console.Viewer, true), form); w.Code != http.StatusForbidden {
			s.Errorf("a viewer: %d", w.Code)
		}
		operator := s.as(console.Operator, false)
		if w := s.post(operator, form, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"); w.Code != http.StatusForbidden {
			s.Errorf("from another site: %d", w.Code)
		}
		without := url.Values{"change": {"discard"}, "workflow": {"ticket"}, "reason": {"  "}}
		if w := s.post(operator, without); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "Say why") {
			s.Errorf("without a reason: %d %s", w.Code, w.Body)
		}
		if w := s.post(operator, url.Values{"change": {"discard"}, "reason": {"x"}}); w.Code != http.StatusBadRequest {
			s.Errorf("without a filter: %d", w.Code)
		}
		if w := s.post(operator, url.Values{"change": {"rebuild-projection"}, "projection": {"x"}, "reason": {"x"}}); w.Code != http.StatusForbidden {
			s.Errorf("what only an admin may: %d", w.Code)
		}
		status, body := s.get(operator, "/change?change=discard&workflow=ticket&id=t-1")
		if status != http.StatusOK || !strings.Contains(body, "1 of effect ticket/Notify: ") || s.dead() != 2 {
			s.Errorf("the preview: %d %s", status, body)
		}
		w := s.post(operator, form)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "./dead?done=discard&id=t-1&kind=Notify&n=1&workflow=ticket" || s.dead() != 1 {
			s.Errorf("the change: %d to %s, and %d dead letters are left", w.Code, w.Header().Get("Location"), s.dead())
		}
		if _, body := s.get(operator, "/dead?done=discard&n=1"); !strings.Contains(body, "1 dead letter was discarded.") {
			s.Errorf("afterwards: %s", body)
		}
		if w := s.post(operator, form); w.Header().Get("Location") != "./dead?done=discard&id=t-1&kind=Notify&workflow=ticket" || s.dead() != 1 {
			s.Errorf("a second time: %d to %s", w.Code, w.Header().Get("Location"))
		}
		gone, err := s.admin.DiscardedLetters(s.Context(), admin.DiscardedQuery{})
		if err != nil || len(gone.Items) != 1 || gone.Items[0].Discard.By != "ann" || gone.Items[0].Discard.Reason != "the address is gone" {
			s.Errorf("the record: %+v, %v", gone, err)
		}
		if _, body := s.get(operator, "/audit"); !strings.Contains(body, "the address is gone") || !strings.Contains(body, `>ann</td><td data-label="What">discard</td>`) {
			s.Errorf("the audit: %s", body)
		}
		// What died after the preview is not retried.
		late := url.Values{"change": {"retry"}, "workflow": {"ticket"}, "until": {time.Now().Add(-time.Hour).UTC().Format(time.RFC3339Nano)}, "reason": {"x"}}
		if w := s.post(operator, late); w.Header().Get("Location") != "./dead?done=retry&workflow=ticket" || s.dead() != 1 {
			s.Errorf("what died later: %d to %s", w.Code, w.Header().Get("Location"))
		}
		for _, change := range []string{"pause", "resume"} {
			if w := s.post(operator, url.Values{"change": {change}, "workflow": {"ticket"}, "reason": {"the bank is down"}}); w.Code != http.StatusSeeOther {
				s.Errorf("%s: %d %s", change, w.Code, w.Body)
			}
			paused, err := s.admin.PausedWorkflows(s.Context())
			if err != nil || (len(paused) == 1) != (change == "pause") || len(paused) == 1 && (paused[0].By != "ann" || paused[0].Reason != "the bank is down") {
				s.Errorf("after %s: %+v, %v", change, paused, err)
			}
			if _, body := s.get(operator, "/"); strings.Contains(body, "by ann, ") != (change == "pause") {
				s.Errorf("the overview after %s: %s", change, body)
			}
		}
	})
}

// No page, and no method but POST with a reason and a role, changes a store.
func TestNothingWritesByItself(t *testing.T) {
	t.Parallel()
	s := newShop(t, memory.New())
	before := s.dead()
	for _, role := range []console.Role{console.Nobody, console.Viewer, console.Operator, console.Admin} {
		h := s.as(role, true)
		for _, name := range console.Routes() {
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch} {
				if name == "live" && method == http.MethodGet && role > console.Nobody {
					continue
				}
				for _, change := range console.Changes() {
					form := "change=" + change + "&workflow=ticket&kind=Notify&projection=p&event=1&id=t-1&name=ticket&schedule=s&input=Note&field.text=x&input-id=i&seen=yes"
					address := "/" + name + "?" + form + "&reason=x"
					body := form
					if role < console.Operator {
						body += "&reason=x" // others give none, and so may change nothing
					}
					r := httptest.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
					r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
					w := httptest.NewRecorder()
					h.ServeHTTP(w, r)
					if w.Code == http.StatusSeeOther && method != http.MethodGet && method != http.MethodHead {
						t.Errorf("%s %s %s as %s: it leads to %s", method, name, change, role, w.Header().Get("Location"))
					}
					if role == console.Nobody && w.Code != http.StatusForbidden {
						t.Errorf("%s %s as nobody: %d", method, name, w.Code)
					}
				}
			}
		}
	}
	paused, err := s.admin.PausedWorkflows(t.Context())
	if s.dead() != before || err != nil || len(paused) != 0 {
		t.Errorf("%d dead letters, want %d; paused %v, %v", s.dead(), before, paused, err)
	}
	if report, err := s.admin.Inspect(t.Context(), store.InstanceKey{Workflow: "ticket", ID: "t-1"}); err != nil || report.Version != 1 {
		t.Errorf("the ticket is %+v, %v", report, err)
	}
}

// Without Config.Access, only this computer may look.
func TestLocal(t *testing.T) {
	t.Parallel()
	s := newShop(t, memory.New())
	h := console.New(s.admin, console.Config{Logger: quiet})
	for _, test := range []struct {
		from, host string
		want       int
	}{
		{"127.0.0.1:5", "localhost:8080", 200}, {"[::1]:5", "[::1]:8080", 200}, {"127.0.0.1:5", "127.0.0.1", 200},
		{"10.0.0.1:5", "localhost", 403}, {"127.0.0.1:5", "evil.example", 403}, {"", "localhost", 403},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/dead", nil)
		r.RemoteAddr, r.Host = test.from, test.host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != test.want || strings.Contains(w.Body.String(), "change?change") {
			t.Errorf("from %q to %q: %d, want %d", test.from, test.host, w.Code, test.want)
		}
	}
	panics := console.New(s.admin, console.Config{Logger: quiet, Access: func(*http.Request) (console.Access, error) { panic("no") }})
	if status, body := s.get(panics, "/"); status != http.StatusInternalServerError || strings.Contains(body, "panicked") {
		t.Errorf("when Access panics: %d %s", status, body)
	}
}

// The console works wherever it is mounted: every address on a page leads to a page.
func TestMounts(t *testing.T) {
	t.Parallel()
	s := newShop(t, memory.New())
	h := s.as(console.Operator, true)
	mux := http.NewServeMux()
	mux.Handle("/kept/", h)
	mux.Handle("/stripped/", http.StripPrefix("/stripped", h))
	mux.Handle("/whole/", http.StripPrefix("/whole/", h))
	mux.Handle("/bare", http.StripPrefix("/bare", h))
	mux.Handle("/bare/", http.StripPrefix("/bare", h))
	server := httptest.NewServer(mux)
	defer server.Close()
	client := server.Client()
	defer client.CloseIdleConnections()
	for _, base := range []string{"/kept/", "/stripped/", "/whole/", "/bare", "/stripped//"} {
		seen := map[string]bool{}
		var walk func(address *url.URL, depth int)
		walk = func(address *url.URL, depth int) {
			if seen[address.String()] || depth == 0 {
				return
			}
			seen[address.String()] = true
			r, err := client.Do(must(http.NewRequestWithContext(t.Context(), http.MethodGet, address.String(), nil)))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(r.Body)
			_ = r.Body.Close()
			if err != nil || r.StatusCode != http.StatusOK {
				t.Errorf("%s: %d, %v", address, r.StatusCode, err)
				return
			}
			for _, attribute := range []string{`href="`, `src="`} {
				for part := range strings.SplitSeq(string(body), attribute) {
					reference, _, found := strings.Cut(part, `"`)
					if found && strings.HasPrefix(reference, "./") {
						walk(r.Request.URL.ResolveReference(must(url.Parse(strings.ReplaceAll(reference, "&amp;", "&")))), depth-1)
					}
				}
			}
		}
		walk(must(url.Parse(server.URL+base)), 5)
		if len(seen) < 15 {
			t.Errorf("from %s only %d pages are found", base, len(seen))
		}
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// An open page hears of what is stored, and nothing goes on when it is closed.
func TestLive(t *testing.T) {
	t.Parallel()
	st := memory.New()
	s := newShop(t, st)
	server := httptest.NewServer(s.as(console.Viewer, false))
	defer server.Close()
	defer server.Client().CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := server.Client().Do(must(http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/live", nil)))
	if err != nil || r.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("got %+v, %v", r, err)
	}
	defer r.Body.Close()
	engine, err := runtime.NewEngine(st, runtime.Config{Logger: quiet}, ticket.NewWorkflow(ticket.Decider{}, ticket.Evolver{}, ticket.Handler{}))
	if err != nil {
		t.Fatal(err)
	}
	go func() { // the page may begin to look before or after an input
		for n := 0; ctx.Err() == nil; n++ {
			_, _ = ticket.NewClient(engine).Open(ctx, ticket.Open{ID: fmt.Sprint("more-", n), Subject: "x"})
			time.Sleep(100 * time.Millisecond)
		}
	}()
	var heard strings.Builder
	for buffer := make([]byte, 1000); !strings.Contains(heard.String(), "event: stored"); {
		n, err := r.Body.Read(buffer)
		if heard.Write(buffer[:n]); err != nil {
			t.Fatalf("heard %q, then %v", heard.String(), err)
		}
	}
}

// A hook that hides payloads is asked, and one that panics shows nothing.
func TestRedact(t *testing.T) {
	t.Parallel()
	s := newShop(t, memory.New())
	all := func(*http.Request) (console.Access, error) {
		return console.Access{Role: console.Viewer, Payloads: true}, nil
	}
	for name, test := range map[string]struct {
		redact func(workflow, kind string, payload []byte) []byte
		want   string
	}{
		"hides": {func(workflow, kind string, payload []byte) []byte {
			var fields map[string]any
			if err := json.Unmarshal(payload, &fields); err != nil || workflow != "ticket" || kind == "" {
				return []byte("wrong")
			}
			return []byte("[hidden]")
		}, "[hidden]"},
		"panics": {func(string, string, []byte) []byte { panic("no") }, "not shown"},
	} {
		h := console.New(s.admin, console.Config{Logger: quiet, Access: all, Redact: test.redact})
		for _, address := range []string{instanceAddress("instance", "t-1"), "/dead"} {
			if _, body := s.get(h, address); !strings.Contains(body, test.want) || strings.Contains(body, "12345678901234567890") {
				t.Errorf("%s, %s: %s", name, address, body)
			}
		}
	}
}
