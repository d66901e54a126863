package runtime_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/internal/enrolment"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/transfer"
)

// secrets are the personal values of annsEnrolment, and what becomes of them.
var secrets = []string{"ann@secret.example", "new@secret.example", "late@secret.example", "Zebulon", "Quentin", "2001-02-03", "Hail "}

func annsEnrolment(id string) enrolment.Enrol {
	return enrolment.Enrol{
		EnrolmentID: id, CustomerID: "customer-1", Email: "ann@secret.example", Guests: []enrolment.Guest{{Name: "Zebulon", Age: 7}},
		Births: map[string]time.Time{"Quentin": time.Date(2001, 2, 3, 0, 0, 0, 0, time.UTC)},
	}
}

func greet(effect enrolment.Welcome) (string, error) {
	if effect.Email == "new@secret.example" {
		return "", runtime.Permanent(errors.New("no such address"))
	}
	return "Hail " + effect.Email, nil
}

func enrolments() *runtime.Workflow {
	return enrolment.NewWorkflow(enrolment.Decider{}, enrolment.Evolver{}, enrolment.Handler{Handle: greet})
}

// bytesOfStore returns all that the store keeps: each row of each table as text, and for a file, its bytes with those of its write-ahead log.
func (b *bed) bytesOfStore() []byte {
	b.Helper()
	var all bytes.Buffer
	list := `SELECT name FROM sqlite_master WHERE type = 'table'`
	if strings.HasSuffix(b.prefix, ".") {
		list = `SELECT '` + b.prefix + `"' || table_name || '"' FROM information_schema.tables WHERE table_schema = '` + strings.Trim(b.prefix, `."`) + `'`
	}
	rows, err := b.db.QueryContext(b.Context(), list)
	if err != nil {
		b.Fatal(err)
	}
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			b.Fatal(err)
		}
		names = append(names, name)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || len(names) < 15 {
		b.Fatalf("tables %q: %v", names, err)
	}
	for _, name := range names {
		rows, err := b.db.QueryContext(b.Context(), "SELECT * FROM "+name)
		if err != nil {
			b.Fatal(err)
		}
		columns, _ := rows.Columns()
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new([]byte)
			}
			if err := rows.Scan(values...); err != nil {
				b.Fatal(err)
			}
			for _, v := range values {
				all.Write(*v.(*[]byte))
				all.WriteByte('\n')
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			b.Fatal(err)
		}
	}
	if !strings.HasSuffix(b.prefix, ".") {
		for _, file := range []string{b.url, b.url + "-wal"} {
			data, err := os.ReadFile(file)
			if err != nil && !os.IsNotExist(err) {
				b.Fatal(err)
			}
			all.Write(data)
		}
	}
	return all.Bytes()
}

func (b *bed) wantNoSecrets(when string) {
	b.Helper()
	all := b.bytesOfStore()
	for _, secret := range secrets {
		if at := bytes.Index(all, []byte(secret)); at >= 0 {
			b.Errorf("%s: %q is stored: …%s…", when, secret, all[max(0, at-200):min(len(all), at+100)])
		}
	}
}

// keyOf returns the key of a subject as the store keeps it.
func (b *bed) keyOf(subject string) string {
	b.Helper()
	keys := b.table("secret", "subject_keys", "WHERE subject = '"+subject+"'")
	if len(keys) != 1 {
		b.Fatalf("keys of %s: %q", subject, keys)
	}
	return keys[0]
}

func TestForget(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.realConfig()
		config.SnapshotEvery = 2
		config.Observe = func(runtime.InstanceKey, string) bool { return true }
		engine := b.engine(config, enrolments())
		client, inner := enrolment.NewClient(engine), b.Context()
		b.run(engine)

		must(b, mustEnrol(b, client, annsEnrolment("e-1"), runtime.WithInputID("first")), nil)
		b.eventually("the greeting", func() bool {
			history, err := client.History(inner, "e-1")
			return err == nil && len(history) == 2
		})
		out, err := client.Move(inner, enrolment.Move{EnrolmentID: "e-1", Email: "ann@secret.example"}, runtime.WithInputID("same"))
		if err != nil || !out.Rejected() {
			b.Fatalf("the same address: %v, %v", out, err)
		}
		move, err := client.Move(inner, enrolment.Move{EnrolmentID: "e-1", Email: "new@secret.example"})
		must(b, move, err)
		b.eventually("one effect is done, and one is dead", func() bool {
			dead, err := engine.DeadLetters(inner, runtime.DeadLetterQuery{})
			if err != nil {
				b.Fatal(err)
			}
			history, err := client.History(inner, "e-1")
			return err == nil && len(dead.Items) == 1 && strings.Contains(string(dead.Items[0].Payload), "new@secret.example") && len(history) == 3
		})
		b.eventuallyTable("count(*)", "snapshots", "", "1")

		if state, err := client.State(inner, "e-1"); err != nil || state.State.Email != "new@secret.example" || state.State.Guests[0].Name != "Zebulon" || len(state.State.Births) != 1 {
			b.Errorf("state before: %+v, %v", state, err)
		}
		b.eventually("the feed has the values", func() bool {
			page, err := engine.EventsSince(inner, 0, 10)
			return err == nil && len(page.Events) == 3 && strings.Contains(string(page.Events[0].Payload), `"email":"ann@secret.example"`)
		})
		must(b, mustEnrol(b, client, func() enrolment.Enrol { e := annsEnrolment("e-2"); e.CustomerID = "customer-2"; return e }()), nil)
		b.wantNoSecrets("before")
		key := b.keyOf("customer-1")

		had, err := engine.Forget(inner, store.ForgottenSubject{Subject: "customer-1", By: "ann", Reason: "she asked for it"})
		if err != nil || !had {
			b.Fatalf("Forget: %v, %v", had, err)
		}
		b.wantTable("secret, forgotten_by, reason", "subject_keys", "WHERE subject = 'customer-1'", "- ann she asked for it")
		b.wantNoSecrets("after")
		if !strings.HasSuffix(b.prefix, ".") && bytes.Contains(b.bytesOfStore(), []byte(key)) {
			b.Error("the key is still in the file")
		}

		for name, engine := range map[string]*runtime.Engine{"same": engine, "other": b.engine(config, enrolments())} {
			client := enrolment.NewClient(engine)
			state, err := client.State(inner, "e-1")
			if err != nil || state.State.Email != "" || state.State.CustomerID != "customer-1" || state.State.Guests[0] != (enrolment.Guest{Age: 7}) || len(state.State.Births) != 0 {
				b.Errorf("%s: state: %+v, %v", name, state, err)
			}
			history, err := client.History(inner, "e-1")
			if err != nil || len(history) < 3 || history[2].Event != (enrolment.Moved{}) {
				b.Errorf("%s: history: %+v, %v", name, history, err)
			}
			if dynamic, err := engine.HistoryDynamic(inner, runtime.InstanceKey{Workflow: "enrolment", ID: "e-1"}, 0, 0); err != nil || len(dynamic) < 3 {
				b.Errorf("%s: dynamic history: %+v, %v", name, dynamic, err)
			}
			if found, err := engine.Verify(inner, runtime.VerifyOptions{}); err != nil || !found.OK() {
				b.Errorf("%s: Verify: %v, %v", name, found, err)
			}
			again := mustEnrol(b, client, annsEnrolment("e-1"), runtime.WithInputID("first"))
			if e := again.Events[0].(enrolment.Enrolled); again.Version != 1 || e.Email != "" {
				b.Errorf("%s: a repeated input: %+v", name, again)
			}
			out, err := client.Move(inner, enrolment.Move{EnrolmentID: "e-1", Email: "ann@secret.example"}, runtime.WithInputID("same"))
			if err != nil || !out.Rejected() || out.Rejection.(enrolment.SameEmail).Email != "" {
				b.Errorf("%s: a repeated rejection: %+v, %v", name, out, err)
			}
			if state, err := client.State(inner, "e-2"); err != nil || state.State.Email != "ann@secret.example" {
				b.Errorf("%s: the state of another subject: %+v, %v", name, state, err)
			}
			late, err := client.Move(inner, enrolment.Move{EnrolmentID: "e-1", Email: "late@secret.example"})
			must(b, late, err)
		}
		b.wantLog("personal fields of a forgotten subject are stored erased", "instance=e-1")
		b.wantNoSecrets("later")

		tools, err := admin.New(b.store, admin.Config{})
		if err != nil {
			b.Fatal(err)
		}
		events, err := tools.History(inner, runtime.InstanceKey{Workflow: "enrolment", ID: "e-1"}, 0, 0)
		if err != nil || !strings.Contains(string(events[0].Payload), `"email":"[erased]"`) || !strings.Contains(string(events[0].Payload), `{"name":"[erased]","age":7}`) {
			b.Errorf("admin: %s, %v", events[0].Payload, err)
		}
		observations, err := tools.Observations(inner, store.ObservationQuery{Instance: runtime.InstanceKey{Workflow: "enrolment", ID: "e-1"}})
		if err != nil || !strings.Contains(string(observations[len(observations)-1].Payload), `"email":"[erased]"`) {
			b.Errorf("observations: %v, %v", observations, err)
		}
		if had, err := tools.Forget(inner, store.ForgottenSubject{Subject: "customer-1", Reason: "again"}); err != nil || had {
			b.Errorf("Forget again: %v, %v", had, err)
		}
		b.wantTable("done_by, reason, target, count", "audit_log", "WHERE operation = 'forget'", "ann she asked for it customer-1 1")
		if s, err := tools.Subject(inner, "customer-1"); err != nil || s.Forgotten == nil || s.Forgotten.By != "ann" {
			b.Errorf("Subject: %+v, %v", s, err)
		}
		_, err = tools.Forget(inner, store.ForgottenSubject{Subject: "customer-1"})
		wantError(b, err, "say why")
	})
}

// Once a subject is forgotten, no engine decides on a state with its values that it remembers: neither the one that was called nor one that is
// notified. The clock stands still, so that no state grows old.
func TestForgottenWhileRemembered(t *testing.T) {
	onAllStores(t, func(b *bed) {
		ctx, config := b.Context(), b.config(newClock())
		called, notified := b.engine(config, enrolments()), b.engine(config, enrolments())
		enrol := func(engine *runtime.Engine, id, subject string, events int) {
			b.Helper()
			client, in := enrolment.NewClient(engine), annsEnrolment(id)
			in.CustomerID = subject
			mustEnrol(b, client, in)
			b.eventually("nothing is under way", func() bool {
				history, err := client.History(ctx, id)
				return err == nil && len(history) == events
			})
			note, err := client.Note(ctx, enrolment.Note{EnrolmentID: id})
			must(b, note, err)
			if had, err := called.Forget(ctx, store.ForgottenSubject{Subject: subject, Reason: "test"}); err != nil || !had {
				b.Fatalf("Forget: %v, %v", had, err)
			}
		}
		decidesWithout := func(engine *runtime.Engine, id string) {
			b.Helper()
			// The decider refuses the address that the state has.
			move, err := enrolment.NewClient(engine).Move(ctx, enrolment.Move{EnrolmentID: id, Email: "ann@secret.example"})
			must(b, move, err)
		}
		enrol(called, "e-1", "customer-1", 1)
		decidesWithout(called, "e-1")

		if _, notifies := b.store.(store.Notifier); !notifies {
			return
		}
		b.run(notified)
		enrol(notified, "e-2", "customer-2", 2) // with the greeting
		b.eventually("the engine is notified", func() bool {
			state, err := enrolment.NewClient(notified).State(ctx, "e-2")
			if err != nil {
				b.Fatal(err)
			}
			return state.State.Email == ""
		})
		decidesWithout(notified, "e-2")
	})
}

func mustEnrol(b *bed, client *enrolment.Client, in enrolment.Enrol, options ...runtime.ExecuteOption) enrolment.EnrolOutcome {
	b.Helper()
	out, err := client.Enrol(b.Context(), in, options...)
	return must(b, out, err)
}

// handsOver changes the subject of an enrolment with its address.
type handsOver struct{ enrolment.Evolver }

func (handsOver) Moved(s enrolment.State, e enrolment.Moved) enrolment.State {
	s.CustomerID, s.Email = e.Email, e.Email
	return s
}

// A decision whose subject cannot have a key, or is another one than before, is an error, and nothing of it is stored.
func TestRefusedSubjects(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.realConfig()
		config.SnapshotEvery = 2
		client := enrolment.NewClient(b.engine(config, enrolment.NewWorkflow(enrolment.Decider{}, handsOver{}, enrolment.Handler{Handle: greet})))
		b.unchanged(func() {
			for subject, says := range map[string]string{strings.Repeat("x", 513): "513 bytes", "a\x00b": "NUL"} {
				in := annsEnrolment("e-1")
				in.CustomerID = subject
				_, err := client.Enrol(b.Context(), in)
				wantError(b, err, "the subject", says)
				if invalid := (*store.InvalidIdentifier)(nil); !errors.As(err, &invalid) {
					b.Errorf("got %v", err)
				}
			}
		})
		mustEnrol(b, client, annsEnrolment("e-1"))
		b.unchanged(func() {
			for _, address := range []string{"new@secret.example", ""} {
				_, err := client.Move(b.Context(), enrolment.Move{EnrolmentID: "e-1", Email: address})
				wantError(b, err, "enrolment/e-1", "changes the subject")
			}
		})
		move, err := client.Move(b.Context(), enrolment.Move{EnrolmentID: "e-1", Email: "customer-1"})
		must(b, move, err)

		in := annsEnrolment("e-2") // it has no subject before it moves
		in.CustomerID = ""
		mustEnrol(b, client, in)
		move, err = client.Move(b.Context(), enrolment.Move{EnrolmentID: "e-2", Email: "customer-2"})
		must(b, move, err)
	})
}

// A decision on an instance of a forgotten subject is one line in the log, however many values it has.
func TestForgottenIsLoggedOnce(t *testing.T) {
	onStores(t, func(b *bed) {
		engine := b.engine(b.realConfig(), enrolments())
		had, err := engine.Forget(b.Context(), store.ForgottenSubject{Subject: "customer-1", By: "ann", Reason: "test"})
		if err != nil || had {
			b.Fatal(had, err)
		}
		mustEnrol(b, enrolment.NewClient(engine), annsEnrolment("e-1")) // an event, an effect and a timer
		if n := b.log.count("stored erased", "instance=e-1"); n != 1 {
			b.Errorf("%d lines", n)
		}
		b.wantNoSecrets("from the beginning")
	})
}

// Another workflow that is told of a rejection stores no personal value of it.
func TestEncodeRejectionForOthers(t *testing.T) {
	for text, rejection := range map[string]any{
		"SameEmail": enrolment.SameEmail{Email: "ann@secret.example"},
		`NotAccepted{"input":"Move","state":"closed"}`: enrolment.NotAccepted{Input: "Move", State: "closed"},
	} {
		if got, err := enrolments().EncodeRejectionForOthers(rejection); err != nil || got.String() != text {
			t.Errorf("got %q, %v, want %q", got, err, text)
		}
	}
}

// A sender hears of a refusal without the personal values of the rejection, which its own fields would store in plain text.
func TestRefusalWithPersonalFields(t *testing.T) {
	onAllStores(t, func(b *bed) {
		engine := b.engine(b.realConfig(), enrolments())
		client := enrolment.NewClient(engine)
		b.run(engine)
		mustEnrol(b, client, annsEnrolment("e-1"))
		mustEnrol(b, client, annsEnrolment("e-2"))
		send, err := client.Send(b.Context(), enrolment.Send{EnrolmentID: "e-1", OtherID: "e-2", Email: "ann@secret.example"})
		must(b, send, err)
		var refusal string
		b.eventually("the sender hears of the refusal", func() bool {
			s, err := client.State(b.Context(), "e-1")
			if err != nil {
				b.Fatal(err)
			}
			refusal = s.State.Refusal
			return refusal != ""
		})
		if refusal != "SameEmail" {
			b.Errorf("the sender knows %s", refusal)
		}
		if b.db != nil {
			b.wantNoSecrets("after a refusal")
		}
	})
}

// A json field has what a client sent, also if it looks like an encrypted value.
func TestValueThatLooksEncrypted(t *testing.T) {
	onAllStores(t, func(b *bed) {
		client := enrolment.NewClient(b.engine(b.realConfig(), enrolments()))
		mustEnrol(b, client, annsEnrolment("e-1"))
		const notes = `{"a":{"$personal":[1,"x",""]},"b":[{"c":{"$personal":[0,"x"]}}]}`
		out, err := client.Note(b.Context(), enrolment.Note{EnrolmentID: "e-1", Notes: json.RawMessage(notes)}, runtime.WithInputID("note"))
		must(b, out, err)
		again, err := client.Note(b.Context(), enrolment.Note{EnrolmentID: "e-1", Notes: json.RawMessage(notes)}, runtime.WithInputID("note"))
		if err != nil || string(again.Events[0].(enrolment.Noted).Notes) != notes {
			b.Errorf("the repeated input: %+v, %v", again, err)
		}
		for name, client := range map[string]*enrolment.Client{"same": client, "other": enrolment.NewClient(b.engine(b.realConfig(), enrolments()))} {
			if s, err := client.State(b.Context(), "e-1"); err != nil || string(s.State.Notes) != notes {
				b.Errorf("%s: the state has %s, %v", name, s.State.Notes, err)
			}
			history, err := client.History(b.Context(), "e-1")
			if err != nil || len(history) != 2 || string(history[1].Event.(enrolment.Noted).Notes) != notes {
				b.Errorf("%s: history: %+v, %v", name, history, err)
			}
		}
	})
}

// An instance that is exported is encrypted in its new store with a key of that store, and what is erased stays so.
func TestMovePersonalFields(t *testing.T) {
	onStores(t, func(b *bed) {
		engine := b.engine(b.realConfig(), enrolments())
		client := enrolment.NewClient(engine)
		mustEnrol(b, client, annsEnrolment("e-1"), runtime.WithInputID("first"))
		gone := annsEnrolment("e-2")
		gone.CustomerID = "customer-2"
		mustEnrol(b, client, gone)
		if _, err := engine.Forget(b.Context(), store.ForgottenSubject{Subject: "customer-2", Reason: "test"}); err != nil {
			b.Fatal(err)
		}
		var file bytes.Buffer
		if _, err := transfer.Export(b.Context(), b.store, &file, transfer.ExportOptions{}); err != nil {
			b.Fatal(err)
		}
		to := memory.New()
		mustEnrol(b, enrolment.NewClient(b.engineOn(to, b.realConfig(), enrolments())), annsEnrolment("e-0")) // so the subject has another key there
		if _, err := transfer.Import(b.Context(), to, &file, transfer.ImportOptions{}); err != nil {
			b.Fatal(err)
		}
		for _, table := range []string{"events", "effects", "timers", "input_outcomes"} {
			for _, row := range to.Rows(table) {
				for column, value := range row {
					if text, is := value.(string); is && strings.Contains(text, "secret.example") {
						b.Errorf("%s of %s: %s", column, table, text)
					}
				}
			}
		}
		moved := enrolment.NewClient(b.engineOn(to, b.realConfig(), enrolments()))
		if state, err := moved.State(b.Context(), "e-1"); err != nil || state.State.Email != "ann@secret.example" {
			b.Errorf("state: %+v, %v", state, err)
		}
		if state, err := moved.State(b.Context(), "e-2"); err != nil || state.State.Email != "" || state.State.CustomerID != "customer-2" {
			b.Errorf("erased state: %+v, %v", state, err)
		}
		if again := mustEnrol(b, moved, annsEnrolment("e-1"), runtime.WithInputID("first")); again.Version != 1 {
			b.Errorf("a repeated input: %+v", again)
		}
	})
}
