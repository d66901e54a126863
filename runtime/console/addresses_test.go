package console_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/console"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// An address, which another site may have made, fills in nothing of a form but what it is about.
func TestAddressesFillInNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t, memory.New())
	h := s.as(console.Admin, true)
	for _, address := range []string{
		"/change?change=pause&workflow=ticket&reason=evil", "/change?change=retry&workflow=ticket&until=9999-01-01T00:00:00Z",
		"/change?change=discard&workflow=ticket&position=9999&next=9999", "/send?workflow=ticket&id=t-1&input=Note&field.text=evil&reason=evil&input-id=evil",
	} {
		status, body := s.get(h, address)
		if status != http.StatusOK || strings.Contains(body, "evil") || strings.Contains(body, "9999") {
			t.Errorf("%s: %d %s", address, status, body)
		}
	}
}

// An instance whose id is 0 is one like others: no link loses its id, as then a change would be about all instances.
func TestIDZero(t *testing.T) {
	t.Parallel()
	s := newShop(t, memory.New())
	if out, err := ticket.NewClient(s.engine).Open(t.Context(), ticket.Open{ID: "0", Subject: "x"}); err != nil || !out.Accepted() {
		t.Fatalf("got %+v, %v", out, err)
	}
	h := s.as(console.Operator, true)
	if _, body := s.get(h, "/instances"); !strings.Contains(body, `"./instance?id=0&amp;workflow=ticket"`) {
		t.Errorf("the list:\n%s", body)
	}
	if status, body := s.get(h, "/instance?workflow=ticket&id=0"); status != http.StatusOK || !strings.Contains(body, `"./send?id=0&amp;`) {
		t.Errorf("the instance: %d %s", status, body)
	}
}

// An id leads to its instance, also without the workflow; the beginning of an id to a list.
func TestFindByID(t *testing.T) {
	t.Parallel()
	onStores(t, func(s shop) {
		if out, err := ticket.NewClient(s.engine).Open(s.Context(), ticket.Open{ID: "t-10", Subject: "x"}); err != nil || !out.Accepted() {
			s.Fatalf("got %+v, %v", out, err)
		}
		for query, want := range map[string]string{
			"id=t-1": "./instance?id=t-1&workflow=ticket", "id=t-1&workflow=ticket": "./instance?id=t-1&workflow=ticket", "id=t-": "", "id=none": "", "id=T-1": "",
			"id=+t-1+": "./instance?id=t-1&workflow=ticket", "id=ticket/t-1": "./instance?id=t-1&workflow=ticket", "id=+ticket/t-1&workflow=ticket": "./instance?id=t-1&workflow=ticket",
			"id=ledger/t-1": "",
		} {
			w := httptest.NewRecorder()
			s.as(console.Viewer, false).ServeHTTP(w, httptest.NewRequestWithContext(s.Context(), http.MethodGet, "/instances?"+query, nil))
			if w.Header().Get("Location") != want {
				s.Errorf("%s: %d to %q", query, w.Code, w.Header().Get("Location"))
			}
		}
	})
}

// What is asked for in a way that cannot be read, or finds nothing, is said beside the form, which keeps it.
func TestFormsKeepWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := newShop(t, memory.New())
	viewer := s.as(console.Viewer, false)
	for address, want := range map[string]struct {
		status int
		text   string
	}{
		"/stuck?for=3+days": {400, `value="3 days"`}, "/stuck?for=x": {400, "Write it as 90m"}, "/stuck?for=Friday": {200, `value="Friday"`}, "/stuck?for=2026-01-02": {200, "2026-01-02"},
		"/instances?id=o-17": {200, "No instance has an id that begins with “o-17”."}, "/instances?id=x&workflow=ticket": {200, "No instance of ticket has an id"},
	} {
		if status, body := s.get(viewer, address); status != want.status || !strings.Contains(body, want.text) {
			t.Errorf("%s: %d, and %q is not on it: %s", address, status, want.text, body)
		}
	}
}

// A page says what a change of dead letters does before it is made, also to an instance that has completed.
func TestChangesOfDeadLettersAreExplained(t *testing.T) {
	t.Parallel()
	s := newShop(t, memory.New())
	h := s.as(console.Operator, true)
	_, retry := s.get(h, "/change?change=retry&workflow=ticket&id=t-1")
	_, discard := s.get(h, "/change?change=discard&workflow=ticket&id=t-1")
	if !strings.Contains(retry, "even if its instance has completed") || strings.Contains(retry, "ticket/t-1 has completed") || strings.Contains(retry, `class="danger"`) ||
		!strings.Contains(discard, "cannot be undone") || !strings.Contains(discard, `class="danger"`) {
		t.Errorf("%s %s", retry, discard)
	}
	if out, err := ticket.NewClient(s.engine).Solve(t.Context(), ticket.Solve{ID: "t-1"}); err != nil || !out.Accepted() {
		t.Fatalf("got %+v, %v", out, err)
	}
	if _, retry := s.get(h, "/change?change=retry&workflow=ticket&id=t-1"); !strings.Contains(retry, "ticket/t-1 has completed, in the state") {
		t.Errorf("%s", retry)
	}
}

// The page of a workflow says that it is paused. A page says of a change that changed nothing that it did not.
func TestPausedWorkflow(t *testing.T) {
	t.Parallel()
	s := newShop(t, memory.New())
	if err := s.admin.PauseWorkflow(t.Context(), store.Pause{Workflow: "ticket", By: "bob", Reason: "the bank is down"}); err != nil {
		t.Fatal(err)
	}
	for role, offered := range map[console.Role]bool{console.Viewer: false, console.Operator: true} {
		_, body := s.get(s.as(role, false), "/workflow?name=ticket")
		if !strings.Contains(body, " by bob: the bank is down.") || strings.Contains(body, "change=resume") != offered {
			t.Errorf("as %s: %s", role, body)
		}
	}
	viewer := s.as(console.Viewer, false)
	for address, want := range map[string]string{"/workflows?done=pause": "Nothing was changed", "/workflows?done=pause&n=1": "The workflow was paused.", "/dead?done=retry": "No dead letter was put back"} {
		if _, body := s.get(viewer, address); !strings.Contains(body, want) {
			t.Errorf("%s: %q is not on the page: %s", address, want, body)
		}
	}
}

// Nobody changes anything without a name, and what another site sends is refused by an answer that loads nothing.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s := newShop(t, memory.New())
	form, _ := s.formAt(s.as(console.Operator, true), "/change?change=pause&workflow=ticket")
	form.Set("reason", "x")
	if w := s.post(s.with(console.Access{Role: console.Admin}, console.Config{}), form); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "your name") {
		t.Errorf("without a name: %d %s", w.Code, w.Body)
	}
	w := s.post(s.as(console.Operator, true), form, "Origin", "https://evil.example")
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "header Host") || !strings.Contains(w.Header().Get("Content-Security-Policy"), "'none'") {
		t.Errorf("from another site: %d %s %v", w.Code, w.Body, w.Header())
	}
	form.Set("reason", strings.Repeat("ä", 501))
	if w := s.post(s.as(console.Operator, true), form); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "501 characters") {
		t.Errorf("a long reason: %d %s", w.Code, w.Body)
	}
	if paused, err := s.admin.PausedWorkflows(t.Context()); err != nil || len(paused) != 0 {
		t.Errorf("paused: %v, %v", paused, err)
	}
	form.Set("reason", strings.Repeat("ä", 500))
	if w := s.post(s.as(console.Operator, true), form); w.Code != http.StatusSeeOther {
		t.Errorf("the longest reason: %d %s", w.Code, w.Body)
	}
}
