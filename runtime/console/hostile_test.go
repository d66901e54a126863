package console_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/internal/pgserver/pgschema"
	"github.com/ironflow-gen/ironflow/internal/silentpeer"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/console"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Each page of a store that does not answer says so in time, and nothing is done.
func TestSilentStore(t *testing.T) {
	t.Parallel()
	schema := pgschema.Borrow(t)
	proxy, address := silentpeer.Postgres(t, pgserver.URL(t))
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	config.ConnConfig.RuntimeParams["search_path"] = schema
	pgschema.Use(config, schema)
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	t.Cleanup(proxy.Close) // before the pool, which says goodbye to silent connections
	st, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema))
	if err != nil {
		t.Fatal(err)
	}
	s := newShop(t, st)
	const limit = 300 * time.Millisecond
	h := s.with(console.Access{Name: "ann", Role: console.Admin, Payloads: true, ClientInputs: true}, console.Config{Engine: s.engine, Timeout: limit})
	send := url.Values{"workflow": {"ticket"}, "id": {"t-1"}, "input": {"Note"}, "field.text": {"x"}, "input-id": {"1"}, "reason": {"y"}, "seen": {"yes"}}
	change := url.Values{"change": {"pause"}, "workflow": {"ticket"}, "reason": {"y"}}
	proxy.SilenceAll()
	ask := func(method, address string, form url.Values) {
		began := time.Now()
		r := httptest.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if took := time.Since(began); took > limit+2*time.Second {
			t.Errorf("%s %s took %v", method, address, took)
		}
		if w.Code != http.StatusGatewayTimeout && w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "did not answer within") &&
			!strings.Contains(w.Body.String(), "not known whether") {
			t.Errorf("%s %s: %d %s", method, address, w.Code, w.Body)
		}
	}
	for address := range pages() {
		ask(http.MethodGet, address, nil)
	}
	ask(http.MethodGet, "/send?"+send.Encode(), nil)
	ask(http.MethodGet, "/change?change=retry&workflow=ticket", nil)
	ask(http.MethodPost, "/change", change)
	ask(http.MethodPost, "/send", send)
	proxy.Resume()
	deadline := time.Now().Add(20 * time.Second)
	for status, _ := s.get(h, "/"); status != http.StatusOK; status, _ = s.get(h, "/") {
		if time.Now().After(deadline) {
			t.Fatal("the console does not come back with the store")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// What is very large is cut, and the page says so.
func TestLargePayloads(t *testing.T) {
	t.Parallel()
	onStores(t, func(s shop) {
		client := ticket.NewClient(s.engine)
		for range 4 {
			if out, err := client.Note(s.Context(), ticket.Note{ID: "t-1", Text: strings.Repeat("<b>x", 4_000_000/7)}); err != nil || !out.Accepted() {
				s.Fatalf("got %+v, %v", out, err)
			}
		}
		all := s.as(console.Operator, true)
		for address := range pages() {
			status, body := s.get(all, address)
			if status != http.StatusOK || len(body) > 600_000 {
				s.Errorf("%s: %d and %d bytes", address, status, len(body))
			}
			if address == instanceAddress("instance", "t-1") && (!strings.Contains(body, "the first 16384 bytes of") || strings.Contains(body, "<b>x")) {
				s.Errorf("the page is %.3000s", body)
			}
		}
		if status, body := s.get(all, instanceAddress("state", "t-1")+"&version=5"); status != http.StatusOK || len(body) > 200_000 || !strings.Contains(body, "the first 16384 bytes of") {
			s.Errorf("the state: %d and %d bytes", status, len(body))
		}
	})
}

// A console shows what programs of other releases have stored of themselves: older ones without forms, newer ones with more than it knows.
func TestOtherReleases(t *testing.T) {
	t.Parallel()
	onStores(t, func(s shop) {
		programs := s.store.(store.Programs)
		now := store.StoredTime(time.Now())
		record := func(name, digest, manifest string) {
			p := store.Program{Process: name, Version: "v8 " + hostile, Digest: digest, StartedAt: now.Add(time.Minute), SeenAt: now, Until: now.Add(time.Hour)}
			if err := programs.RecordProgram(s.Context(), p, []byte(manifest)); err != nil {
				s.Fatal(err)
			}
		}
		record("older", "d1", `{"workflows":[{"name":"ticket","inputs":["Open"],"effects":[]}],"effects":[],"timers":[],"projections":[]}`)
		record("newer", "d2", `{"workflows":[{"name":"cart","inputs":["Add"],"effects":[],"colour":{"a":[1]},"machine":{"States":[{"Name":"new","Mood":"good"}]}}],"music":7}`)
		operator := s.as(console.Operator, true)
		for _, address := range []string{"/", "/programs", "/workflows", "/workflow?name=ticket", "/workflow?name=cart", instanceAddress("instance", "t-1"), "/schedules"} {
			if status, body := s.get(operator, address); status != http.StatusOK || strings.Contains(body, "<script>alert") {
				s.Errorf("%s: %d %s", address, status, body)
			}
		}
		if _, body := s.get(operator, instanceAddress("instance", "t-1")); strings.Contains(body, "What you can send") {
			s.Errorf("a program without forms offers some: %s", body)
		}
		record("newest", "d3", `{"workflows":{"ticket":"in a form that is to be invented"}}`)
		for _, address := range []string{"/", "/programs", "/workflows", instanceAddress("instance", "t-1")} {
			status, body := s.get(operator, address)
			if status != http.StatusOK || address == "/programs" && !strings.Contains(body, "cannot be read") {
				s.Errorf("%s with a program that cannot be read: %d %s", address, status, body)
			}
		}
	})
}

// Each form that is sent twice does its work once, also the second time that a browser sends it.
func TestEachFormOnce(t *testing.T) {
	t.Parallel()
	onStores(t, func(s shop) {
		now := time.Now()
		err := errors.Join(
			s.store.(store.Schedules).PutSchedules(s.Context(), []store.StoredSchedule{{
				Workflow: "ticket", Name: "nightly", Definition: []byte(`{"input":"Open","schedule":"@daily","instance":"x"}`), Next: store.StoredTime(now.Add(time.Hour)),
			}}),
			s.store.(store.Projections).UpdateProjection(s.Context(), "board", func(p *store.ProjectionState) error {
				p.Status, p.Position, p.StoppedAt, p.LastError = store.ProjectionStopped, 1, 2, hostile
				return nil
			}),
		)
		if err != nil {
			s.Fatal(err)
		}
		h := s.as(console.Admin, true)
		records := func() int {
			page, err := s.admin.Audit(s.Context(), admin.AuditQuery{})
			if err != nil {
				s.Fatal(err)
			}
			return len(page.Items)
		}
		seen := make(map[string]bool)
		for _, query := range []string{
			"change=retry&workflow=ticket&id=t-1", "change=discard&workflow=ticket&kind=Notify", "change=pause&workflow=ticket", "change=pause&workflow=ticket&refuse=yes",
			"change=resume&workflow=ticket", "change=pause-schedule&workflow=ticket&schedule=nightly", "change=resume-schedule&workflow=ticket&schedule=nightly",
			"change=trigger-schedule&workflow=ticket&schedule=nightly", "change=skip-event&projection=board&event=2", "change=pause-projection&projection=board",
			"change=resume-projection&projection=board", "change=rebuild-projection&projection=board",
		} {
			form, _ := s.formAt(h, "/change?"+query)
			seen[form.Get("change")] = true
			form.Set("reason", "a test")
			before := records()
			for n := range 3 {
				w := s.post(h, form)
				if n == 0 && w.Code != http.StatusSeeOther || w.Code == http.StatusOK {
					s.Errorf("%s: %d %s", query, w.Code, w.Body)
				}
				if made := records() - before; made != 1 {
					s.Errorf("%s, sent %d times: %d records in the audit log", query, n+1, made)
				}
			}
		}
		for _, name := range console.Changes() {
			if !seen[name] {
				s.Errorf("the form of %s is not tried", name)
			}
		}
	})
}

// Forms work behind proxies that strip a prefix, keep it or change it, and lead back below the address that the browser knows.
func TestFormsBehindProxies(t *testing.T) {
	t.Parallel()
	s := newShop(t, memory.New())
	h := s.as(console.Operator, true)
	mux := http.NewServeMux()
	mux.Handle("/kept/", h)
	mux.Handle("/stripped/", http.StripPrefix("/stripped", h))
	backend := httptest.NewServer(mux)
	defer backend.Close()
	target := must(url.Parse(backend.URL))
	front := http.NewServeMux()
	proxy := func(prefix, instead string) {
		front.Handle(prefix+"/", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Path = instead + strings.TrimPrefix(r.In.URL.Path, prefix)
			r.SetURL(target)
			r.Out.Host = r.In.Host
		}})
	}
	proxy("/kept", "/kept")
	proxy("/a/b", "/kept")
	proxy("/ops", "/stripped")
	server := httptest.NewServer(front)
	defer server.Close()
	client := server.Client()
	defer client.CloseIdleConnections()
	for i, base := range []string{"/kept/", "/a/b/", "/ops/"} {
		page := server.URL + base + "send?workflow=ticket&id=t-1&input=Note"
		form := url.Values{}
		read := func(r *http.Response, err error) string {
			if err != nil {
				t.Fatal(err)
			}
			defer r.Body.Close()
			body := string(must(io.ReadAll(r.Body)))
			if r.StatusCode != http.StatusOK {
				t.Errorf("%s: %d %s", r.Request.URL, r.StatusCode, body)
			}
			for _, field := range hidden.FindAllStringSubmatch(body, -1) {
				form.Set(field[1], field[2])
			}
			page = r.Request.URL.String()
			return body
		}
		post := func() (*http.Response, error) {
			r := must(http.NewRequestWithContext(t.Context(), http.MethodPost, must(must(url.Parse(page)).Parse("./send")).String(), strings.NewReader(form.Encode())))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", server.URL)
			return client.Do(r)
		}
		read(client.Do(must(http.NewRequestWithContext(t.Context(), http.MethodGet, page, nil))))
		form.Set("reason", "a test")
		form.Set("field.text", fmt.Sprint("from ", base))
		if body := read(post()); !strings.Contains(body, "would accept it") {
			t.Errorf("%s: %s", base, body)
		}
		if body := read(post()); !strings.Contains(body, "was sent") || !strings.HasPrefix(page, server.URL+base+"instance?") {
			t.Errorf("%s leads to %s: %s", base, page, body)
		}
		if version := s.version("ticket", "t-1"); version != int64(i+2) {
			t.Errorf("%s: version %d", base, version)
		}
	}
}
