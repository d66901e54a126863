package contract_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/transfer"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// result is what a program makes of what is stored.
type result struct {
	problems []string          // of Engine.Verify
	payloads []reading         // in the order of the stored ones
	accepted map[string]string // by recorded status and input, as in "open Close": what the program answers to the input
	cancels  map[string]bool   // by timer: a decision that leaves its states cancels it
}

type reading struct {
	err  error
	text string // the payload as the program writes it
	goes string // where: the instance and unique key of an input, the workflow and input that an effect goes to
}

// read reads what is stored with a program.
func read(t *testing.T, p *program, of stored) result {
	t.Helper()
	r := result{accepted: make(map[string]string), cancels: make(map[string]bool)}
	st := memory.New()
	engine, err := runtime.NewEngine(st, runtime.Config{External: []string{"parcel", "packet"}}, p.Workflow)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := transfer.Import(t.Context(), st, strings.NewReader(of.rows), transfer.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	found, err := engine.Verify(t.Context(), runtime.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range found.Problems {
		r.problems = append(r.problems, strings.TrimSpace(fmt.Sprintf("%s %s: %s", problem.Kind, problem.Name, problem.Error)))
	}
	for _, one := range of.payloads {
		var reads reading
		reads.text, reads.goes, reads.err = readPayload(p.Workflow, one)
		r.payloads = append(r.payloads, reads)
	}
	for instance, err := range transfer.Read(strings.NewReader(of.rows)) {
		if err != nil {
			t.Fatal(err)
		}
		r.decide(p.Workflow, of, &instance)
	}
	return r
}

func readPayload(w *workflow.Workflow, p payload) (text, goes string, err error) {
	var encoded workflow.Encoded
	var v any
	switch p.kind {
	case "event":
		if v, err = w.DecodeEvent(store.StoredEvent{
			Instance: store.InstanceKey{Workflow: w.Name(), ID: "one"}, Version: 1, Type: p.name, SchemaVersion: p.version, Payload: []byte(p.text),
		}); err == nil {
			encoded, err = w.EncodeEvent(v)
		}
	case "effect":
		if v, err = w.DecodeEffect(workflow.Encoded{Type: p.name, Payload: p.stored()}); err == nil {
			encoded, err = w.EncodeEffect(v)
		}
		for _, to := range []*workflow.Target{w.EffectOptions()[p.name].Starts, w.EffectOptions()[p.name].Sends} {
			if to != nil {
				goes += to.Workflow + "/" + to.Input
			}
			goes += "; "
		}
	case "rejection":
		if v, err = w.DecodeRejection(workflow.Encoded{Type: p.name, Payload: p.stored()}); err == nil {
			encoded, err = w.StoredRejection(v)
		}
	case "input", "sent":
		if v, err = w.DecodeInput(p.name, p.stored()); err == nil {
			return readInput(w, v)
		}
	default:
		if slices.Contains(w.InternalInputs(), p.name) {
			return "", "", fmt.Errorf("clients cannot send input %s", p.name)
		}
		prepared, mistakes := workflow.ReadDynamic(w, p.name, []byte(p.text))
		if len(mistakes) > 0 {
			return "", "", mistakes[0]
		}
		return readInput(w, prepared.Value)
	}
	return unversioned(encoded.Payload), goes, err
}

func readInput(w *workflow.Workflow, v any) (text, goes string, err error) {
	prepared, err := w.Prepare(v)
	if err != nil {
		return "", "", err
	}
	encoded, err := w.EncodeInput(v)
	return unversioned(encoded.Payload), prepared.Instance + "; " + prepared.UniqueKey, err
}

// unversioned returns a payload without its version.
func unversioned(text []byte) string {
	rest, has := strings.CutPrefix(string(text), `{"@version":`)
	if !has {
		return string(text)
	}
	return "{" + strings.TrimPrefix(strings.TrimLeft(rest, "0123456789"), ",")
}

// decide gives every stored input to an instance, in the state that it has.
func (r *result) decide(w *workflow.Workflow, of stored, instance *store.StoredInstance) {
	events := make([]store.StoredEvent, len(instance.Events))
	for i := range events {
		events[i] = instance.Events[i].StoredEvent
	}
	state, err := w.Replay(nil, store.Instance{Key: instance.Key, Version: instance.Version(), Events: events})
	if err != nil || instance.Key.Workflow != w.Name() {
		return // Verify says so
	}
	recorded := instance.Events[len(events)-1].Status
	for _, p := range of.payloads {
		v, err := w.DecodeInput(p.name, p.stored())
		if p.kind != "input" || err != nil {
			continue
		}
		prepared, err := w.Prepare(v)
		if err != nil {
			continue
		}
		prepared.Instance = instance.Key.ID
		answer := "accepted"
		rejection, decided, err := w.Decide(time.Now(), instance.Version(), state, prepared)
		switch {
		case err != nil:
			answer = err.Error()
		case rejection != nil:
			answer = "rejected"
		}
		r.accepted[recorded+" "+p.name] = answer
		if answer == "accepted" && decided.Status != w.Status(state) {
			for _, key := range decided.Timers.Cancelled() {
				r.cancels[key] = true
			}
		}
	}
}
