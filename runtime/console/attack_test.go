package console_test

import (
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/internal/pgserver/pgschema"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/console"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// crooked are values that a person would not type.
var crooked = []string{
	"", " ", "\x00", "a\x00b", "\xff\xfe", "\r\nSet-Cookie: x=1", "../../etc", "//evil.example", "https://evil.example", "%2e%2e%2f", "-1", "0", "1e9",
	"9223372036854775807", "99999999999999999999", "' OR 1=1 --", hostile, strings.Repeat("x", 5000), strings.Repeat("é", 300),
}

// typed is what a form says again as it was typed.
var typed = regexp.MustCompile(`value="[^"]*"`)

// crookedly asks for a page or sends a form with one parameter after another in each crooked way. The answer is never a failure of the server, a panic, an
// address elsewhere, or markup.
func (s shop) crookedly(what string, base url.Values, ask func(url.Values) *httptest.ResponseRecorder) {
	s.Helper()
	for name := range base {
		for _, value := range crooked {
			parameters := url.Values{}
			for other, values := range base {
				parameters[other] = values
			}
			parameters.Set(name, value)
			w := ask(parameters)
			body := w.Body.String()
			if w.Code >= 500 && w.Code != http.StatusNotImplemented {
				s.Errorf("%s with %s=%.100q: %d %s", what, name, value, w.Code, body)
			}
			if location := w.Header().Get("Location"); location != "" && (!strings.HasPrefix(location, "./") || strings.ContainsAny(location, "\r\n\\ ")) {
				s.Errorf("%s with %s=%.100q leads to %q", what, name, value, location)
			}
			if strings.Contains(body, "<script>alert") || strings.Contains(typed.ReplaceAllString(body, ""), "\u202e") || w.Header().Get("Set-Cookie") != "" {
				s.Errorf("%s with %s=%.100q takes it for markup: %s", what, name, value, body)
			}
		}
	}
}

// Each parameter of each page and each form may have anything in it.
func TestCrookedParameters(t *testing.T) {
	t.Parallel()
	onStores(t, func(s shop) {
		err := s.store.(store.Projections).UpdateProjection(s.Context(), "board", func(p *store.ProjectionState) error {
			p.Status, p.Position, p.StoppedAt = store.ProjectionStopped, 1, 2
			return nil
		})
		if err != nil {
			s.Fatal(err)
		}
		h := s.as(console.Admin, true)
		about := map[string]url.Values{
			"": {"done": {"retry"}, "n": {"1"}}, "instances": {"workflow": {"ticket"}, "status": {"open"}, "activity": {"active"}, "cursor": {"x"}},
			"instance": {"workflow": {"ticket"}, "id": {"t-1"}, "from": {"1"}}, "why": {"workflow": {"ticket"}, "id": {"t-1"}, "version": {"1"}},
			"dead":  {"workflow": {"ticket"}, "kind": {"Notify"}, "queue": {"effects"}, "id": {"t-1"}, "error": {"x"}, "until": {"x"}, "cursor": {"x"}},
			"stuck": {"workflow": {"ticket"}, "for": {"1h"}, "cursor": {"x"}}, "projections": {"x": {"y"}}, "programs": {"x": {"y"}}, "workflows": {"x": {"y"}},
			"workflow": {"name": {"ticket"}, "count": {"1"}}, "schedules": {"x": {"y"}},
			"audit":  {"workflow": {"ticket"}, "by": {"ann"}, "operation": {"retry"}, "target": {"t-1"}, "cursor": {"x"}},
			"change": {"change": {"retry"}, "workflow": {"ticket"}, "kind": {"Notify"}, "queue": {"effects"}, "id": {"t-1"}, "error": {"x"}, "group": {"x"}},
			"send":   {"workflow": {"ticket"}, "id": {"t-1"}, "input": {"Note"}}, "state": {"workflow": {"ticket"}, "id": {"t-1"}, "version": {"1"}},
			"live": nil, "style.css": nil, "script.js": nil,
		}
		for _, name := range console.Routes() {
			base, known := about[name]
			if !known {
				s.Errorf("the parameters of %q are not tried", name)
			}
			s.crookedly(name, base, func(parameters url.Values) *httptest.ResponseRecorder {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequestWithContext(s.Context(), http.MethodGet, "/"+name+"?"+parameters.Encode(), nil))
				return w
			})
		}
		for _, by := range []url.Values{{"id": {"t-"}, "cursor": {""}}, {"field": {"x"}, "value": {"y"}, "workflow": {"ticket"}}, {"key": {"x"}, "workflow": {"ticket"}}} {
			s.crookedly("instances", by, func(parameters url.Values) *httptest.ResponseRecorder {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequestWithContext(s.Context(), http.MethodGet, "/instances?"+parameters.Encode(), nil))
				return w
			})
		}
		s.crookedly("sending", url.Values{"workflow": {"ticket"}, "id": {"t-1"}, "input": {"Note"}, "field.text": {"x"}, "input-id": {"i"}, "reason": {"y"}, "seen": {"yes"}},
			func(form url.Values) *httptest.ResponseRecorder { return s.postTo("/send", h, form) })
		forms := map[string]url.Values{
			"retry": {"id": {"t-1"}, "kind": {"Notify"}, "queue": {"effects"}, "error": {"x"}, "group": {"x"}, "until": {"2031-03-04T05:06:07Z"}}, "discard": {"id": {"none"}},
			"pause": {"refuse": {""}}, "resume": {"paused": {""}},
			"pause-schedule": {"schedule": {"s"}}, "resume-schedule": {"schedule": {"s"}}, "trigger-schedule": {"schedule": {"s"}, "next": {""}},
			"pause-projection": {"projection": {"board"}}, "resume-projection": {"projection": {"board"}},
			"rebuild-projection": {"projection": {"board"}, "position": {"1"}}, "skip-event": {"projection": {"board"}, "event": {"2"}},
		}
		for _, name := range console.Changes() {
			form := forms[name]
			if form == nil {
				s.Fatalf("the form of %s is not tried", name)
			}
			form["change"], form["reason"] = []string{name}, []string{"a test"}
			if form["projection"] == nil {
				form["workflow"] = []string{"ticket"}
			}
			s.crookedly(name, form, func(form url.Values) *httptest.ResponseRecorder { return s.post(h, form) })
		}
	})
}

// A request that might be about more than it seems is refused: one with a parameter that cannot be read or is given twice, or with a body that is no form.
func TestAmbiguousRequests(t *testing.T) {
	t.Parallel()
	s := newShop(t, memory.New())
	h := s.as(console.Admin, true)
	for _, address := range []string{
		"/change?change=retry&workflow=ticket&id=%zz", "/change?change=retry&workflow=ticket&id=&id=t-1", "/instances?workflow=ticket;id=t-1", "/dead?error=%",
		"/send?workflow=ticket&id=t-1&id=t-2&input=Note",
	} {
		if status, body := s.get(h, address); status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", address, status, body)
		}
	}
	const change = "change=discard&workflow=ticket&id=t-1&reason=x"
	const send = "workflow=ticket&id=t-1&input=Note&field.text=x&input-id=i&reason=x&seen=yes"
	for name, test := range map[string]struct {
		address, kind, body string
		want                int
	}{
		"twice":            {"/change", "application/x-www-form-urlencoded", strings.Replace(change, "id=t-1", "id=&id=t-1", 1), 400},
		"an input twice":   {"/send", "application/x-www-form-urlencoded", send + "&field.text=y", 400},
		"unreadable":       {"/change", "application/x-www-form-urlencoded", strings.Replace(change, "t-1", "%zz", 1), 400},
		"as text":          {"/change", "text/plain", change, 415},
		"as JSON":          {"/send", "application/json", `{"workflow": "ticket"}`, 415},
		"multipart":        {"/change", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"change\"\r\n\r\ndiscard\r\n--x--\r\n", 415},
		"no type":          {"/change", "", change, 415},
		"in the address":   {"/change?" + change, "application/x-www-form-urlencoded", "", 404},
		"large":            {"/change", "application/x-www-form-urlencoded", change + "&x=" + strings.Repeat("x", 65<<10), 413},
		"a large input":    {"/send", "application/x-www-form-urlencoded", send + strings.Repeat("x", 17<<20), 413},
		"a time like that": {"/change", "application/x-www-form-urlencoded", change + "&until=yesterday", 400},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, test.address, strings.NewReader(test.body))
		r.Header.Set("Content-Type", test.kind)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != test.want {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if s.dead() != 2 || s.version("ticket", "t-1") != 1 {
		t.Errorf("%d dead letters are left, and the ticket has version %d", s.dead(), s.version("ticket", "t-1"))
	}
}

// An instance may have any id: the list leads to its page, and the page to its forms.
func TestCrookedIDs(t *testing.T) {
	t.Parallel()
	onStores(t, func(s shop) {
		h := s.as(console.Operator, true)
		for i, id := range []string{
			".", "..", "/", "a/b", "../dead", "a%2fb", "%", "?a=b#c", "a&id=t-1", "+", "a b", " ", `\`, "\r\nX: y", "'\"><b>", "é\u0301", strings.Repeat("z", store.MaxIDLength),
		} {
			if out, err := ticket.NewClient(s.engine).Open(s.Context(), ticket.Open{ID: id, Subject: fmt.Sprint("number ", i)}); err != nil || !out.Accepted() {
				s.Fatalf("got %+v, %v", out, err)
			}
			address := "/instances?" + url.Values{"id": {id}, "workflow": {"ticket"}}.Encode()
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(s.Context(), http.MethodGet, address, nil))
			location := w.Header().Get("Location")
			if w.Code == http.StatusOK { // other ids begin with it
				encoded := escaped("./instance?" + url.Values{"id": {id}, "workflow": {"ticket"}}.Encode())
				if !strings.Contains(w.Body.String(), `href="`+encoded+`"`) {
					s.Errorf("%q: the list is %s", id, w.Body)
				}
				continue
			}
			to, err := url.Parse(location)
			if err != nil || w.Code != http.StatusSeeOther || to.Path != "./instance" || to.Host != "" || to.Query().Get("id") != id {
				s.Errorf("%q: %d to %q, %v", id, w.Code, location, err)
				continue
			}
			_, body := s.get(h, strings.TrimPrefix(location, "."))
			link := escaped("./send?" + url.Values{"id": {id}, "input": {"Note"}, "workflow": {"ticket"}}.Encode())
			if !strings.Contains(body, `href="`+link+`"`) {
				s.Errorf("%q: %q is not on the page:\n%s", id, link, body)
			}
		}
	})
}

// escaped is how a page writes an address.
func escaped(address string) string {
	return strings.ReplaceAll(template.HTMLEscapeString(address), "+", "&#43;")
}

// A path without its slash leads to the same path with it, and nowhere else.
func TestSlashIsAdded(t *testing.T) {
	t.Parallel()
	s := newShop(t, memory.New())
	h := http.StripPrefix("/console", s.as(console.Viewer, true))
	for uri, want := range map[string]string{
		"/console": "./console/", "//evil.example/console": "./console/", "https://evil.example/console": "./console/", "/console?next=//evil.example": "./console/",
		"/%63onsole": "./%63onsole/",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/console", nil)
		r.RequestURI = uri
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusFound || w.Header().Get("Location") != want {
			t.Errorf("%s: %d to %q", uri, w.Code, w.Header().Get("Location"))
		}
	}
}

// A page that has become stale, as in a second tab, changes nothing that its reader has not seen.
func TestStalePages(t *testing.T) {
	t.Parallel()
	onStores(t, func(s shop) {
		h := s.as(console.Admin, true)
		pause := func(by, reason string) {
			if err := s.admin.PauseWorkflow(s.Context(), store.Pause{Workflow: "ticket", By: by, Reason: reason}); err != nil {
				s.Fatal(err)
			}
		}
		pause("bob", "the bank is down")
		form, body := s.formAt(h, "/change?change=resume&workflow=ticket")
		if !strings.Contains(body, "by bob, because: the bank is down") {
			s.Errorf("the form is\n%s", body)
		}
		form.Set("reason", "it is back")
		if w := s.post(h, form); w.Code != http.StatusSeeOther {
			s.Errorf("%d %s", w.Code, w.Body)
		}
		time.Sleep(2 * time.Millisecond) // times are stored in microseconds
		pause("cid", "audit")
		if w := s.post(h, form); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "paused again") {
			s.Errorf("a page of before another pause: %d %s", w.Code, w.Body)
		}
		if paused, err := s.admin.PausedWorkflows(s.Context()); err != nil || len(paused) != 1 || paused[0].By != "cid" {
			s.Errorf("paused: %+v, %v", paused, err)
		}
		first, _ := s.formAt(h, "/change?change=discard&workflow=ticket&id=t-1")
		second, _ := s.formAt(h, "/change?change=retry&workflow=ticket&id=t-1")
		first.Set("reason", "x")
		second.Set("reason", "x")
		if w := s.post(h, first); w.Header().Get("Location") != "./dead?done=discard&id=t-1&n=1&workflow=ticket" {
			s.Errorf("the first tab: %d to %s", w.Code, w.Header().Get("Location"))
		}
		if w := s.post(h, second); w.Header().Get("Location") != "./dead?done=retry&id=t-1&workflow=ticket" || s.dead() != 1 {
			s.Errorf("the second tab: %d to %s, and %d are left", w.Code, w.Header().Get("Location"), s.dead())
		}
	})
}

// A store that is open for reading only is shown, and not changed.
func TestReadOnlyStores(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) (writing, reading store.Store){
		"sqlite": func(t *testing.T) (store.Store, store.Store) {
			path := t.TempDir() + "/store.db"
			writing := must(sqlite.Open(t.Context(), path))
			reading := must(sqlite.Open(t.Context(), path, sqlite.ReadOnly()))
			t.Cleanup(func() { _, _ = reading.Close(), writing.Close() })
			return writing, reading
		},
		"postgres": func(t *testing.T) (store.Store, store.Store) {
			schema := pgschema.Borrow(t)
			config := must(pgxpool.ParseConfig(pgserver.URL(t)))
			pgschema.Use(config, schema)
			pool := must(pgxpool.NewWithConfig(t.Context(), config))
			t.Cleanup(pool.Close)
			return must(postgres.New(t.Context(), pool, postgres.WithSchema(schema))),
				must(postgres.New(t.Context(), pool, postgres.WithSchema(schema), postgres.ReadOnly()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			writing, reading := open(t)
			s := newShop(t, writing)
			s.admin = must(admin.New(reading, admin.Config{Logger: quiet}))
			h := s.as(console.Admin, true)
			for address, want := range pages() {
				if status, body := s.get(h, address); status != http.StatusOK || !strings.Contains(body, want) {
					t.Errorf("%s: %d, and %q is not on the page:\n%s", address, status, want, body)
				}
			}
			for _, change := range console.Changes() {
				form := url.Values{"change": {change}, "workflow": {"ticket"}, "id": {"t-1"}, "projection": {"p"}, "schedule": {"s"}, "event": {"1"}, "reason": {"x"}}
				if change == "resume" {
					continue // nothing is paused
				}
				w := s.post(h, form)
				if w.Code != http.StatusForbidden && w.Code != http.StatusNotFound || w.Code == http.StatusForbidden && !strings.Contains(w.Body.String(), "for reading only") {
					t.Errorf("%s: %d %s", change, w.Code, w.Body)
				}
			}
			s.admin = must(admin.New(writing, admin.Config{Logger: quiet}))
			if paused, err := s.admin.PausedWorkflows(t.Context()); err != nil || len(paused) != 0 || s.dead() != 2 {
				t.Errorf("%v, %v, and %d dead letters", paused, err, s.dead())
			}
		})
	}
}
