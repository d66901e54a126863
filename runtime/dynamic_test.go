package runtime_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/codec"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

func TestExecuteDynamic(t *testing.T) {
	onStores(t, func(b *bed) {
		engine := b.engine(b.config(newClock()), tickets(ticket.Decider{}, ticket.Handler{}))
		execute := func(input string) runtime.Outcome[workflow.Encoded, workflow.Encoded] {
			b.Helper()
			out, err := engine.ExecuteDynamic(b.Context(), "ticket", []byte(input))
			if err != nil {
				b.Fatal(err)
			}
			return out
		}
		out := execute(` { "id": "a", "subject": "caf\u00e9", "type": "Open", "unknown": [1] } `)
		want := []workflow.Encoded{{Type: "Opened", Payload: []byte(`{"subject":"café"}`)}}
		if !out.Accepted() || out.Version != 1 || !reflect.DeepEqual(out.Events, want) {
			b.Errorf("got %+v", out)
		}
		b.unchanged(func() {
			out = execute(`{"type":"Open","id":"a","subject":"x"}`)
			if !out.Rejected() || out.Rejection.Type != "Duplicate" || string(out.Rejection.Payload) != `{}` {
				b.Errorf("got %+v", out)
			}
			out = execute(`{"type":"Note","id":"b","text":"x"}`)
			if !out.Rejected() || out.Rejection.Type != "NotAccepted" || string(out.Rejection.Payload) != `{"input":"Note","state":"new"}` {
				b.Errorf("got %s %s", out.Rejection.Type, out.Rejection.Payload)
			}
		})
		execute(`{"type":"Solve","id":"a"}`)
		if out = execute(`{"type":"Solve","id":"a"}`); !out.AlreadyCompleted() || out.Version != 2 {
			b.Errorf("got %+v", out)
		}
	})
}

func TestExecuteDynamicRefuses(t *testing.T) {
	onStores(t, func(b *bed) {
		engine := b.engine(b.config(newClock()), tickets(ticket.Decider{}, ticket.Handler{}))
		for _, test := range []struct {
			input string
			path  string // of a *codec.Error; "-" for another error
			says  []string
		}{
			{``, "", []string{"end of the input"}},
			{`nonsense`, "", []string{"expected an object"}},
			{`[]`, "", []string{"expected an object"}},
			{`null`, "", []string{"expected an object"}},
			{`{"type":"Open"`, "[#0]", []string{"end of the input"}},
			{`{"type":"Open","id":"a","subject":"s"} {}`, "", []string{"expected the end of the document"}},
			{`{"id":"a"}`, "type", []string{"missing"}},
			{`{"type":7}`, "type", []string{"expected a string", "found a number"}},
			{`{"type":"Open","type":"Note"}`, "type", []string{"second time"}},
			{`{"type":"Open","id":"a"}`, "subject", []string{"input Open", "missing"}},
			{`{"type":"Open","subject":"a"}`, "id", []string{"input Open", "missing"}},
			{`{"type":"Open","id":7,"subject":"s"}`, "id", []string{"input Open", "expected a string", "found a number"}},
			{`{"type":"Open","id":null,"subject":"s"}`, "id", []string{"input Open"}},
			{`{"type":"Open","id":"a","id":"b","subject":"s"}`, "id", []string{"second time"}},
			{"{\"type\":\"Open\",\"id\":\"\xff\",\"subject\":\"s\"}", "id", []string{"UTF-8"}},
			{`{"type":"Open","id":"","subject":"s"}`, "-", []string{"input Open", "instance id is empty"}},
			{`{"type":"Open","id":"a\u0000","subject":"s"}`, "-", []string{"input Open", "NUL"}},
		} {
			b.unchanged(func() {
				_, err := engine.ExecuteDynamic(b.Context(), "ticket", []byte(test.input))
				if err == nil {
					b.Errorf("%s: no error", test.input)
					return
				}
				wantError(b, err, append(test.says, "workflow ticket")...)
				var at *codec.Error
				if is := errors.As(err, &at); is != (test.path != "-") || is && at.Path != test.path {
					b.Errorf("%s: got %#v", test.input, err)
				}
			})
		}

		// All at once: the document's in its order, and then those of the ids, which stay out when they were not read.
		for input, want := range map[string]string{
			`{"id":"","type":"Open"}`:                             "workflow ticket: input Open: subject: the field is missing; the instance id is empty; the unique key is empty",
			`{"type":"Open","subject":7,"id":"a","id":"\u0000"}`:  `workflow ticket: input Open: subject: expected a string, found a number; id: the field occurs a second time here; the instance id contains a NUL byte; the unique key is empty`,
			`{"type":"Open","id":"","subject":""}`:                "workflow ticket: input Open: the instance id is empty; the unique key is empty",
			`{"type":"Open","subject":7,"id":[`:                   "workflow ticket: input: [#2][0]: expected a value, found the end of the input",
			`{"type":7,"id":"\ud800"}`:                            `workflow ticket: input: type: expected a string, found a number`,
			`{"type":"Open","id":7,"\ud800":1,"subject":"s"}`:     "workflow ticket: input: a surrogate is without its pair",
			`{"type":"Open","id":"a","subject":"` + "\xff" + `"}`: "workflow ticket: input Open: subject: the string is not valid UTF-8; the unique key is empty",
		} {
			b.unchanged(func() {
				_, err := engine.ExecuteDynamic(b.Context(), "ticket", []byte(input))
				invalid, is := errors.AsType[*runtime.InvalidInput](err)
				if !is || err.Error() != want || invalid.Workflow != "ticket" || len(invalid.Mistakes) != strings.Count(want, ";")+1 {
					b.Errorf("%s: got %v\nwant %s", input, err, want)
				}
			})
		}

		_, err := engine.ExecuteDynamic(b.Context(), "ticket", []byte(`{"type":"Opens","id":"a"}`))
		var unknownType *codec.UnknownTypeError
		if !errors.As(err, &unknownType) || unknownType.Workflow != "ticket" || unknownType.Kind != "input" || unknownType.Type != "Opens" {
			b.Errorf("got %#v", err)
		}
		wantError(b, err, "ticket", "input", `did you mean "Open"?`)

		_, err = engine.ExecuteDynamic(b.Context(), "tickets", []byte(`nonsense`))
		var unknownWorkflow *runtime.UnknownWorkflow
		if !errors.As(err, &unknownWorkflow) || unknownWorkflow.Workflow != "tickets" {
			b.Errorf("got %#v", err)
		}
		wantError(b, err, `"tickets"`, "registered: ticket")
	})
}

// What a newer or a hostile program has written is an error that names the event, not a guess.
func TestStoredEventsThatNobodyKnows(t *testing.T) {
	onStores(t, func(b *bed) {
		client := ticket.NewClient(b.engine(b.config(newClock()), tickets(ticket.Decider{}, ticket.Handler{})))
		for id, change := range map[string]string{
			"schema":  "schema_version = 2",
			"type":    "type = 'Vanished'",
			"payload": `payload = '{"subject":7}'`,
			"state":   "type = 'Solved'", // which the declaration does not know there
		} {
			imported, err := client.Import(b.Context(), ticket.Import{ID: id})
			must(b, imported, err)
			b.exec("UPDATE {p}events SET %s WHERE instance = '%s' AND version = 1", change, id)
		}
		client = ticket.NewClient(b.engine(b.config(newClock()), tickets(ticket.Decider{}, ticket.Handler{}))) // with nothing cached
		for id, says := range map[string][]string{
			"schema":  {"Opened of version 1", "schema version 2"},
			"type":    {"Vanished of version 1", "has no event of this name"},
			"payload": {"Opened of version 1", "subject", "expected a string"},
			"state":   {"version 1", "Solved leads nowhere from state new"},
		} {
			b.unchanged(func() {
				_, err := client.Note(b.Context(), ticket.Note{ID: id})
				wantError(b, err, append(says, "ticket/"+id)...)
				_, err = client.State(b.Context(), id)
				wantError(b, err, append(says, "ticket/"+id)...)
			})
		}
	})
}
