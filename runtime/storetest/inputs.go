package storetest

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// inputRules are about what is kept of inputs beside what they led to.
var inputRules = []rule{
	{name: "an outcome is kept in the commit of its change, byte for byte", check: outcomeOfChange},
	{name: "a change with an input id that has an outcome is refused", check: outcomeTwice},
	{name: "of inputs with one id at the same time, one is recorded", check: outcomeRace},
	{name: "inputs that add nothing are recorded on their own", check: recordAlone},
	{name: "observations are kept in the commit of their change, and read newest first", check: observations},
}

var carriedRules = []rule{
	{name: "a status, a parent, a cause, a trace and a limit key are kept", check: carriedAlong},
	{name: "a parent is kept when the instance is created, and read with it", check: parents},
}

func inputOutcome(instance store.InstanceKey, id, text string) store.InputOutcome {
	return store.InputOutcome{Input: store.InputKey{Instance: instance, ID: id}, Outcome: []byte(text), RecordedAt: epoch}
}

func (k *kit) wantOutcomes(inputs []store.InputKey, want ...string) {
	k.Helper()
	got, err := k.inputLog.InputOutcomes(k.ctx, inputs)
	if err != nil {
		k.Fatalf("InputOutcomes: %v", err)
	}
	var texts []string
	for _, outcome := range got {
		if outcome == nil {
			texts = append(texts, "nil")
		} else {
			texts = append(texts, string(outcome))
		}
	}
	if !slices.Equal(texts, want) {
		k.Errorf("got outcomes %q, want %q", texts, want)
	}
}

func outcomeOfChange(k *kit) {
	texts := jsonTexts()
	var changes []store.Change
	var inputs []store.InputKey
	for i, text := range texts {
		c := change(order(fmt.Sprint(i)), 0, 1)
		c.Inputs.Outcomes = []store.InputOutcome{inputOutcome(c.Instance, "é \U0001F600", text)}
		changes, inputs = append(changes, c), append(inputs, c.Inputs.Outcomes[0].Input)
	}
	k.commit(changes...)
	slices.Reverse(inputs)
	slices.Reverse(texts)
	k.wantOutcomes(append(inputs, store.InputKey{Instance: order("0"), ID: "other"}), append(texts, "nil")...)
}

func outcomeTwice(k *kit) {
	c := change(order("1"), 0, 1)
	c.Inputs.Outcomes = []store.InputOutcome{inputOutcome(order("1"), "a", `1`)}
	k.commit(c)
	again := full(order("1"), 1, "again")
	again.Inputs.Outcomes = []store.InputOutcome{inputOutcome(order("1"), "b", `2`), inputOutcome(order("1"), "a", `3`)}
	k.refuse(isConflict, again)
	k.wantOutcomes([]store.InputKey{{Instance: order("1"), ID: "a"}, {Instance: order("1"), ID: "b"}}, `1`, "nil")

	other := change(order("2"), 0, 1) // ids are per instance
	other.Inputs.Outcomes = []store.InputOutcome{inputOutcome(order("2"), "a", `4`)}
	k.commit(other)
}

func outcomeRace(k *kit) {
	k.together(8, func(i int) error {
		err := k.inputLog.RecordInputs(k.ctx, store.InputRecords{
			Outcomes: []store.InputOutcome{inputOutcome(order("1"), "a", fmt.Sprint(i))},
		})
		if isConflict(err) {
			return nil
		}
		return err
	})
	if got := k.rows("input_outcomes", "input_id"); len(got) != 1 {
		k.Errorf("got %v, want one outcome", got)
	}
}

func recordAlone(k *kit) {
	records := store.InputRecords{
		Outcomes: []store.InputOutcome{inputOutcome(order("1"), "a", `{"n":1}`), inputOutcome(order("2"), "b", `{"n":2}`)},
		Observations: []store.Observation{{
			Instance: order("1"), ObservedAt: epoch, Input: "Pay", InputID: "a", Payload: []byte(`{"p":1}`),
			Outcome: "rejected", Version: 3, Rejection: "TooLate", RejectionPayload: []byte(`{"r":1}`),
		}},
	}
	if err := k.inputLog.RecordInputs(k.ctx, store.InputRecords{}); err != nil {
		k.Errorf("nothing: %v", err)
	}
	if err := k.inputLog.RecordInputs(k.ctx, records); err != nil {
		k.Fatalf("RecordInputs: %v", err)
	}
	k.wantRows(map[string]int{"input_outcomes": 2, "observations": 1})
	before := k.dump()
	records.Outcomes = records.Outcomes[1:]
	if err := k.inputLog.RecordInputs(k.ctx, records); !isConflict(err) {
		k.Errorf("a second outcome: got error %v", err)
	}
	k.unchanged(before)
}

func observations(k *kit) {
	observe := func(id string, second int, input string) store.Observation {
		return store.Observation{
			Instance: order(id), ObservedAt: at(second), Input: input, Payload: []byte(` {"in":"é\u0000"} `), Outcome: "accepted", Version: 1,
		}
	}
	c := change(order("1"), 0, 1)
	c.Inputs.Observations = []store.Observation{observe("1", 1, "A"), observe("1", 1, "B")}
	c.Inputs.Observations[1].InputID = "id"
	d := change(order("2"), 0, 1)
	d.Inputs.Observations = []store.Observation{observe("2", 2, "C")}
	k.commit(c, d)
	late := observe("1", 3, "D")
	late.Outcome, late.Rejection, late.RejectionPayload = "rejected", "TooLate", []byte(`{"by":1}`)
	if err := k.inputLog.RecordInputs(k.ctx, store.InputRecords{Observations: []store.Observation{late}}); err != nil {
		k.Fatal(err)
	}
	for _, test := range []struct {
		query store.ObservationQuery
		want  string
	}{
		{store.ObservationQuery{Limit: 9}, "DCBA"},
		{store.ObservationQuery{Limit: 2}, "DC"},
		{store.ObservationQuery{Instance: order("1"), Limit: 9}, "DBA"},
		{store.ObservationQuery{Instance: order("1"), Before: at(3), Limit: 9}, "BA"},
		{store.ObservationQuery{Instance: store.InstanceKey{Workflow: "order"}, Limit: 9}, "DCBA"},
		{store.ObservationQuery{Instance: store.InstanceKey{Workflow: "other"}, Limit: 9}, ""},
	} {
		got, err := k.inputLog.Observations(k.ctx, test.query)
		if err != nil {
			k.Fatalf("Observations: %v", err)
		}
		var names string
		for _, o := range got {
			names += o.Input
			if !bytes.Equal(o.Payload, late.Payload) || o.Number == 0 {
				k.Errorf("got %+v", o)
			}
			if want := late; o.Input == "D" {
				if want.Number = o.Number; fmt.Sprint(o) != fmt.Sprint(want) {
					k.Errorf("got %+v\nwant %+v", o, want)
				}
			}
		}
		if names != test.want {
			k.Errorf("%+v: got %s, want %s", test.query, names, test.want)
		}
	}

	// Page by page, also between two that were observed at one time.
	var paged string
	for query := (store.ObservationQuery{Limit: 1}); ; {
		page, err := k.inputLog.Observations(k.ctx, query)
		if err != nil {
			k.Fatalf("Observations: %v", err)
		}
		if len(page) == 0 {
			break
		}
		paged += page[0].Input
		query.Before, query.BeforeNumber = page[0].ObservedAt, page[0].Number
	}
	if paged != "DCBA" {
		k.Errorf("page by page: got %s, want DCBA", paged)
	}
}

func carriedAlong(k *kit) {
	c := withTimers(change(order("1"), 0, 2), timer("a", at(1)), timer("b", at(2)))
	c.Status = "open"
	c.Events[0].Cause = []byte(` {"input":"Create"}`)
	c.Timers[1].Trace = "00-b"
	c.Effects = []store.NewEffect{
		{Kind: "Send", Payload: []byte(`{}`)},
		{Kind: "Send", Payload: []byte(`{}`), Trace: "00-a", LimitKey: "customer"},
	}
	k.commit(c, change(order("2"), 0, 1))
	k.wantTable("events", "instance, version, cause, status, completes, parent",
		`1|1| {"input":"Create"}|null|null|null`, "1|2|null|open|null|null", "2|1|null|null|null|null")
	k.wantTable("effects", "position, trace, limit_key", "0|null|null", "1|00-a|customer")
	k.wantTable("timers", "key, trace", "a|null", "b|00-b")
	var traces []string
	for _, l := range []line{k.effects(), k.timers()} {
		for _, d := range l.claim(at(60), at(90), 9) {
			traces = append(traces, d.Trace)
		}
	}
	slices.Sort(traces)
	if !slices.Equal(traces, []string{"", "", "00-a", "00-b"}) {
		k.Errorf("got traces %q", traces)
	}
	next := withTimers(change(order("1"), 2, 1), timer("b", at(9)))
	next.Status = "closed"
	k.commit(next)
	k.wantTable("events", "instance, version, status", "1|1|null", "1|2|open", "1|3|closed", "2|1|null")
	k.wantTable("instances", "instance, status", "1|null", "2|null") // that of completion
	k.wantTable("timers", "key, trace", "a|null", "b|null")
}

func parents(k *kit) {
	parent := &store.Parent{Instance: store.InstanceKey{Workflow: "trip", ID: `"é`}, Input: "Ended", Created: 1<<62 + 1}
	c := change(order("1"), 0, 2)
	c.Parent = parent
	k.commit(c, change(order("2"), 0, 1))
	next := change(order("1"), 2, 1)
	next.Parent = &store.Parent{Instance: order("9"), Input: "Other"} // too late
	k.commit(next)
	for _, i := range k.read(ask(order("1"), order("2"))...) {
		switch {
		case i.Key.ID == "2" && i.Parent != nil:
			k.Errorf("got parent %v of an instance without", i.Parent)
		case i.Key.ID == "1" && (i.Parent == nil || *i.Parent != *parent):
			k.Errorf("got parent %v, want %v", i.Parent, parent)
		}
	}
	u := k.begin(order("1"))
	defer k.rollback(u)
	if got := first(u).Parent; got == nil || *got != *parent {
		k.Errorf("got parent %v, want %v", got, parent)
	}
}

var scheduleRules = []rule{
	{name: "a schedule is a delivery of its own kind, without an instance", check: scheduleDelivery},
	{name: "a schedule that is put again goes on, and one that is defined anew starts anew", check: scheduleAnew},
	{name: "a schedule is moved, and what is being delivered of it is lost", check: scheduleMoved},
}

func scheduleMoved(k *kit) {
	k.putSchedules(schedule("daily", `{"cron":"d"}`, 20), schedule("weekly", `{"cron":"w"}`, 30))
	kinds := []store.Kind{store.ScheduleKind("order", "daily")}
	change := func(c store.ScheduleChange, want bool) {
		k.Helper()
		found, err := k.schedules.ChangeSchedule(k.ctx, c)
		if err != nil || found != want {
			k.Errorf("%+v: found %v, error %v", c, found, err)
		}
	}
	change(store.ScheduleChange{Workflow: "order", Name: "unknown"}, false)
	change(store.ScheduleChange{Workflow: "cart", Name: "daily"}, false)
	firing := k.timers().claimKinds(kinds, at(20), at(80), 1)
	if len(firing) != 1 {
		k.Fatalf("got %+v", firing)
	}
	change(store.ScheduleChange{Workflow: "order", Name: "daily", RunAt: store.SchedulePaused}, true)
	if lost, err := k.timers().queue.Extend(k.ctx, []store.Lease{firing[0].Lease}, at(99)); err != nil || len(lost) != 1 {
		k.Errorf("lost %v, error %v", lost, err)
	}
	if got := k.timers().claimKinds(kinds, at(99_999_999), at(99_999_999), 1); len(got) > 0 {
		k.Errorf("while it is paused, got %+v", got)
	}
	k.putSchedules(schedule("daily", `{"cron":"d"}`, 50)) // a process starts
	change(store.ScheduleChange{Workflow: "order", Name: "daily"}, true)
	if got := k.timers().claimKinds(kinds, at(20), at(80), 1); len(got) != 1 || !got[0].Due.Equal(at(20)) || got[0].Attempt != 1 {
		k.Errorf("after the pause, got %+v", got)
	}
	change(store.ScheduleChange{Workflow: "order", Name: "daily", Due: at(25)}, true)
	if got := k.timers().claimKinds(kinds, at(24), at(80), 1); len(got) != 0 {
		k.Errorf("before it is due, got %+v", got)
	}
	change(store.ScheduleChange{Workflow: "order", Name: "daily", Due: at(26), RunAt: at(24)}, true)
	if got := k.timers().claimKinds(kinds, at(24), at(80), 1); len(got) != 1 || !got[0].Due.Equal(at(26)) {
		k.Errorf("got %+v", got)
	}
}

func schedule(name, definition string, second int) store.StoredSchedule {
	return store.StoredSchedule{Workflow: "order", Name: name, Definition: []byte(definition), Next: at(second)}
}

func (k *kit) putSchedules(schedules ...store.StoredSchedule) {
	k.Helper()
	if err := k.schedules.PutSchedules(k.ctx, schedules); err != nil {
		k.Fatalf("PutSchedules: %v", err)
	}
}

func scheduleDelivery(k *kit) {
	k.putSchedules()
	k.putSchedules(schedule("weekly", `{"cron":"w"}`, 10), schedule("daily", `{"cron":"d"}`, 20))
	k.together(4, func(int) error {
		return k.schedules.PutSchedules(k.ctx, []store.StoredSchedule{
			schedule("daily", `{"cron":"d"}`, 99), schedule("weekly", `{"cron":"w"}`, 99),
		})
	})
	got := k.timers().claimKinds([]store.Kind{store.ScheduleKind("order", "weekly")}, at(60), at(90), 9)
	if len(got) != 1 || got[0].Lease.Instance != order("") || got[0].Lease.Key != "weekly" || !got[0].Due.Equal(at(10)) ||
		string(got[0].Payload) != `{"cron":"w"}` {
		k.Fatalf("got %+v", got)
	}
	// An instance of another name is changed in the commit that makes the schedule due again.
	c := change(order("report"), 0, 1)
	c.Settle = []store.Settlement{{Lease: got[0].Lease, Verdict: store.Again, At: at(600)}}
	k.commit(c)
	k.wantTable("timers", "key, due_at, run_at, attempts",
		"daily|"+micros(at(20))+"|"+micros(at(20))+"|0", "weekly|"+micros(at(600))+"|"+micros(at(600))+"|0")
}

func scheduleAnew(k *kit) {
	k.putSchedules(schedule("weekly", `{"cron":"w"}`, 10))
	kinds := []store.Kind{store.ScheduleKind("order", "weekly")}
	lease := k.timers().claimKinds(kinds, at(60), at(90), 9)[0].Lease
	k.putSchedules(schedule("weekly", `{"cron":"w"}`, 700))
	k.wantTable("timers", "version, run_at, attempts", "1|"+micros(at(90))+"|1")
	k.putSchedules(schedule("weekly", `{"cron":"x"}`, 800))
	k.wantTable("timers", "version, run_at, attempts, payload", "2|"+micros(at(800))+`|0|{"cron":"x"}`)
	k.wantNewTimer()
	k.timers().wantOver(&lease)
}
