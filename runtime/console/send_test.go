package console_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/console"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// exact is an integer that a float64 does not have.
const exact = "9007199254740993"

// opened adds a ledger to a shop.
func (s shop) opened() {
	s.Helper()
	if _, err := ledger.NewClient(s.engine).Add(s.Context(), ledger.Add{Account: "a", Amount: 1}); err != nil {
		s.Fatal(err)
	}
}

func (s shop) version(workflow, id string) int64 {
	s.Helper()
	report, err := s.admin.Inspect(s.Context(), store.InstanceKey{Workflow: workflow, ID: id})
	if err != nil {
		s.Fatal(err)
	}
	return report.Version
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// formAt opens a form and returns what a browser sends of its hidden fields.
func (s shop) formAt(h http.Handler, address string) (form url.Values, body string) {
	s.Helper()
	status, body := s.get(h, address)
	if status != http.StatusOK {
		s.Fatalf("%s: %d %s", address, status, body)
	}
	form = make(url.Values)
	for _, field := range hidden.FindAllStringSubmatch(body, -1) {
		form.Set(field[1], field[2])
	}
	return form, body
}

// An operator sends an input by a form: it is shown what it would lead to, and sent once, with who and why.
func TestSend(t *testing.T) {
	t.Parallel()
	onStores(t, func(s shop) {
		s.opened()
		operator := s.with(console.Access{Name: "ann", Role: console.Operator, Payloads: true}, console.Config{Engine: s.engine})
		if _, body := s.get(operator, "/instance?workflow=ledger&id=a"); !strings.Contains(body, "input=Correct") || strings.Contains(body, "input=Add") {
			s.Errorf("an operator is offered\n%s", body)
		}
		form, body := s.formAt(operator, "/send?workflow=ledger&id=a&input=Correct")
		if !strings.Contains(body, `name="field.total"`) || strings.Contains(body, `name="field.account"`) || !strings.Contains(body, "int64") {
			s.Errorf("the form is\n%s", body)
		}
		if w := s.postTo("/send", operator, form); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "Say why") ||
			!strings.Contains(w.Body.String(), "total must be a number") {
			s.Errorf("an empty form: %d %s", w.Code, w.Body)
		}
		form.Set("reason", "she miscounted")
		form.Set("field.total", "-1")
		if w := s.postTo("/send", operator, form); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "would reject it: Negative") ||
			strings.Contains(w.Body.String(), "<button") && strings.Contains(w.Body.String(), "Send Correct</button>") {
			s.Errorf("what is rejected: %d %s", w.Code, w.Body)
		}
		form.Set("field.total", exact)
		w := s.postTo("/send", operator, form)
		if body := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(body, "would accept it") || !strings.Contains(body, "event <b>Corrected</b>") ||
			!strings.Contains(body, `{&#34;total&#34;:`+exact+`}`) || s.version("ledger", "a") != 1 {
			s.Errorf("the plan: %d %s", w.Code, body)
		}
		for _, field := range hidden.FindAllStringSubmatch(w.Body.String(), -1) {
			form.Set(field[1], field[2])
		}
		var all sync.WaitGroup
		for range 8 { // impatient clicks
			all.Go(func() {
				if w := s.postTo("/send", operator, form); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "./instance?done=send&id=a&workflow=ledger" {
					s.Errorf("sent: %d to %s %s", w.Code, w.Header().Get("Location"), w.Body)
				}
			})
		}
		all.Wait()
		if s.version("ledger", "a") != 2 {
			s.Errorf("the version is %d", s.version("ledger", "a"))
		}
		if _, body := s.get(operator, "/instance?workflow=ledger&id=a&done=send"); !strings.Contains(body, "was sent") || !strings.Contains(body, `<b>total</b>: <del>1</del> → <ins>`+exact+`</ins>`) {
			s.Errorf("afterwards: %s", body)
		}
		if _, body := s.get(operator, "/state?workflow=ledger&id=a&version=2"); !strings.Contains(body, `&#34;total&#34;: `+exact) {
			s.Errorf("the state: %s", body)
		}
		form.Set("field.total", "5")
		if w := s.postTo("/send", operator, form); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "sent before") {
			s.Errorf("the form with another value: %d %s", w.Code, w.Body)
		}
		if _, body := s.get(operator, "/audit"); !strings.Contains(body, "she miscounted") || !strings.Contains(body, "Correct") {
			s.Errorf("the audit: %s", body)
		}
		if s.version("ledger", "a") != 2 {
			s.Errorf("the version is %d", s.version("ledger", "a"))
		}
	})
}

// Who may send what does not depend on what a form offers.
func TestMaySend(t *testing.T) {
	t.Parallel()
	s := newShop(t, memory.New())
	s.opened()
	form := url.Values{"workflow": {"ticket"}, "id": {"t-1"}, "input": {"Note"}, "field.text": {"x"}, "input-id": {"1"}, "reason": {"y"}, "seen": {"yes"}}
	may := console.Access{Name: "ann", Role: console.Operator, ClientInputs: true}
	with := func(name, value string) url.Values {
		changed := url.Values{}
		for n, values := range form {
			changed[n] = values
		}
		changed.Set(name, value)
		return changed
	}
	program := console.Config{Engine: s.engine}
	for name, test := range map[string]struct {
		access console.Access
		config console.Config
		form   url.Values
		want   int
	}{
		"a viewer":                  {console.Access{Role: console.Viewer, ClientInputs: true}, program, form, 403},
		"nobody":                    {console.Access{ClientInputs: true}, program, form, 403},
		"no inputs of clients":      {console.Access{Role: console.Admin}, program, form, 403},
		"an input of the engine":    {may, program, with("input", "Expire"), 403},
		"an unknown input":          {may, program, with("input", "Nothing"), 403},
		"an unknown workflow":       {may, program, with("workflow", "nothing"), 403},
		"an unknown instance":       {may, program, with("id", "t-2"), 404},
		"no instance":               {may, program, with("id", ""), 422},
		"no id of the form":         {may, program, with("input-id", ""), 400},
		"a long id of the form":     {may, program, with("input-id", strings.Repeat("x", 5000)), 400},
		"no reason":                 {may, program, with("reason", " "), 422},
		"nobody's name":             {console.Access{Role: console.Operator, ClientInputs: true}, program, form, 403},
		"a store alone":             {may, console.Config{}, form, 501},
		"too large for the program": {may, program, with("field.text", strings.Repeat("x", 5<<20)), 413},
		"too large for a form":      {may, program, with("field.text", strings.Repeat("x", 17<<20)), 413},
		"another program":           {may, console.Config{Engine: lacking{}}, form, 501},
	} {
		if w := s.postTo("/send", s.with(test.access, test.config), test.form); w.Code != test.want {
			t.Errorf("%s: %d, want %d: %.2000s", name, w.Code, test.want, w.Body)
		}
	}
	h := s.with(may, program)
	if w := s.postTo("/send", h, form, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"); w.Code != http.StatusForbidden {
		t.Errorf("from another site: %d", w.Code)
	}
	if status, _ := s.get(h, "/send?"+form.Encode()); status != http.StatusOK || s.version("ticket", "t-1") != 1 {
		t.Errorf("GET: %d, and version %d", status, s.version("ticket", "t-1"))
	}
	if _, body := s.get(s.with(may, console.Config{}), instanceAddress("instance", "t-1")); !strings.Contains(body, "ironflow send") || strings.Contains(body, "input=Note") {
		t.Errorf("with the store alone:\n%s", body)
	}
	if w := s.postTo("/send", s.with(may, console.Config{Engine: lacking{}}), with("seen", "")); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "cannot say before") {
		t.Errorf("without a plan: %d %s", w.Code, w.Body)
	}
	if w := s.postTo("/send", h, form); w.Code != http.StatusSeeOther || s.version("ticket", "t-1") != 2 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// lacking is a program without the workflow.
type lacking struct{}

func (lacking) PlanInput(context.Context, admin.OperatorInput) (admin.PlannedInput, error) {
	return admin.PlannedInput{}, errors.ErrUnsupported
}

func (lacking) SendInput(context.Context, admin.OperatorInput) (runtime.Outcome[runtime.Encoded, runtime.Encoded], error) {
	return runtime.Outcome[runtime.Encoded, runtime.Encoded]{}, errors.ErrUnsupported
}

func (lacking) StatesDynamic(context.Context, store.InstanceKey, int64) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) { yield(nil, errors.ErrUnsupported) }
}

// States are shown to those who may see payloads, as far as they are bounded and can be folded.
func TestStates(t *testing.T) {
	t.Parallel()
	s := newShop(t, memory.New())
	client := ticket.NewClient(s.engine)
	note := func(text string) {
		if out, err := client.Note(t.Context(), ticket.Note{ID: "t-1", Text: text}); err != nil || !out.Accepted() {
			t.Fatalf("got %+v, %v", out, err)
		}
	}
	note("secret " + hostile)
	page := instanceAddress("instance", "t-1")
	if _, body := s.get(s.as(console.Viewer, true), page); !strings.Contains(body, "<b>notes</b>: <del>null</del> → <ins>[&#34;secret &lt;script&gt;") ||
		!strings.Contains(body, "<b>status</b>: <ins>&#34;open&#34;") || !strings.Contains(body, "state?id=t-1") {
		t.Errorf("the differences are not there:\n%s", body)
	}
	for name, h := range map[string]http.Handler{
		"may not see payloads": s.as(console.Viewer, false),
		"the store alone":      s.with(console.Access{Role: console.Viewer, Payloads: true}, console.Config{}),
		"another program":      s.with(console.Access{Role: console.Viewer, Payloads: true}, console.Config{Engine: lacking{}}),
	} {
		if status, body := s.get(h, page); status != http.StatusOK || strings.Contains(body, "<ins>") || strings.Contains(body, "state?") {
			t.Errorf("%s: %d %s", name, status, body)
		}
		if status, body := s.get(h, instanceAddress("state", "t-1")+"&version=2"); status != http.StatusForbidden && status != http.StatusNotImplemented || strings.Contains(body, "secret") {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	redacting := s.with(console.Access{Role: console.Viewer, Payloads: true}, console.Config{
		Engine: s.engine, Redact: func(_, _ string, payload []byte) []byte {
			return []byte(strings.ReplaceAll(string(payload), "secret", "hidden"))
		},
	})
	for _, address := range []string{page, instanceAddress("state", "t-1") + "&version=2"} {
		if _, body := s.get(redacting, address); strings.Contains(body, "secret") || !strings.Contains(body, "hidden") {
			t.Errorf("%s: %s", address, body)
		}
	}
	note(strings.Repeat("large ", 100_000))
	for i := range 60 {
		note(fmt.Sprint("small ", i))
	}
	status, body := s.get(s.as(console.Viewer, true), page)
	if status != http.StatusOK || !strings.Contains(body, "too large to be compared") || !strings.Contains(body, "states of later events are not shown") || len(body) > 100_000 {
		t.Errorf("%d, %d bytes: %s", status, len(body), body)
	}
	if status, body := s.get(s.as(console.Viewer, true), instanceAddress("state", "t-1")+"&version=99"); status != http.StatusNotFound {
		t.Errorf("%d %s", status, body)
	}
	broken := s.with(console.Access{Role: console.Viewer, Payloads: true}, console.Config{Engine: newer{s.engine}})
	if status, body := s.get(broken, instanceAddress("instance", "t-1")+"&from=1"); status != http.StatusOK || !strings.Contains(body, "cannot fold the next events") || !strings.Contains(body, "<ins>") {
		t.Errorf("%d %s", status, body)
	}
}

// newer is a program that does not know the third event.
type newer struct{ *runtime.Engine }

func (n newer) StatesDynamic(ctx context.Context, key store.InstanceKey, from int64) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		for state, err := range n.Engine.StatesDynamic(ctx, key, from) {
			if from++; from > 3 {
				state, err = nil, errors.New("event Noted2 is not declared")
			}
			if !yield(state, err) || err != nil {
				return
			}
		}
	}
}
