package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
)

// slowEvolver is an evolver that may not return.
type slowEvolver struct {
	ledger.Evolver
	added func(ledger.Added)
}

func (e slowEvolver) Added(s ledger.State, event ledger.Added) ledger.State {
	e.added(event)
	return e.Evolver.Added(s, event)
}

// User code that does not return is its instance's trouble alone: others go on, the caller's context is honoured, a log line and
// Health name it, and what it returns at last is thrown away.
func TestUserCodeThatDoesNotReturn(t *testing.T) {
	for name, test := range map[string]struct {
		stored bool // the instance has an event, for an evolver to replay
		apart  bool // the input is served apart from the batches
		read   bool
	}{
		"decider": {}, "decider apart": {apart: true}, "evolver": {stored: true}, "evolver that reads": {stored: true, read: true},
	} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				begun, end := make(chan struct{}, 1), make(chan struct{})
				release := sync.OnceFunc(func() { close(end) })
				defer release()
				hang := func() {
					select {
					case begun <- struct{}{}:
					default:
					}
					<-end
				}
				decider, evolver := ledger.Decider{}, slowEvolver{added: func(e ledger.Added) {
					if e.Amount == 13 {
						hang()
					}
				}}
				if !test.stored {
					decider.OnAdd = func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
						if in.Amount == 13 {
							hang()
						}
						return ledger.AcceptAdd(ledger.Added{Amount: in.Amount})
					}
					evolver.added = func(ledger.Added) {}
				}
				tickets := tickets(ticket.Decider{OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
					if in.Subject == "hang" {
						hang()
					}
					return ticket.AcceptOpen(ticket.Opened{Subject: in.Subject})
				}}, ticket.Handler{})
				config := b.realConfig()
				config.DecideTimeout = 500 * time.Millisecond
				other := config
				other.DecideTimeout = time.Hour
				fine := ledger.NewClient(b.engine(other, ledgers(ledger.Decider{}, ledger.Handler{})))
				bad := runtime.InstanceKey{Workflow: "ticket", ID: "bad"}
				engine := b.engineOn(apart{b.store, map[runtime.InstanceKey]bool{bad: true}}, config,
					ledger.NewWorkflow(decider, evolver, ledger.Handler{}), tickets)
				client := ledger.NewClient(engine)
				if test.stored {
					out, err := fine.Add(b.Context(), ledger.Add{Account: "bad", Amount: 13})
					must(b, out, err)
				}
				instance, input := runtime.InstanceKey{Workflow: "ledger", ID: "bad"}, "Add"
				call := func(ctx context.Context) error {
					_, err := client.Add(ctx, ledger.Add{Account: "bad", Amount: 13})
					return err
				}
				switch {
				case test.apart:
					instance, input = bad, "Open"
					call = func(ctx context.Context) error {
						_, err := ticket.NewClient(engine).Open(ctx, ticket.Open{ID: "bad", Subject: "hang"})
						return err
					}
				case test.read:
					input = ""
					call = func(ctx context.Context) error {
						_, err := client.State(ctx, "bad")
						return err
					}
				}
				// One caller has no deadline, another a short one.
				patient, hasty := make(chan error, 1), make(chan error, 1)
				go func() { patient <- call(b.Context()) }()
				wait(b, "the code is called", begun)
				go func() {
					ctx, cancel := context.WithTimeout(b.Context(), 50*time.Millisecond)
					defer cancel()
					hasty <- call(ctx)
				}()
				if err := wait(b, "the hasty caller returns", hasty); !errors.Is(err, context.DeadlineExceeded) {
					b.Errorf("the hasty caller gets %v", err)
				}
				var stuck *runtime.Stuck
				err := wait(b, "the patient caller returns", patient)
				if !errors.As(err, &stuck) || stuck.Code.Instance != instance || stuck.Code.Input != input {
					b.Fatalf("the patient caller gets %v", err)
				}
				b.wantLog("user code does not return", "workflow="+instance.Workflow, "instance=bad", "input="+cmpText(input))
				health, err := engine.Health(b.Context())
				if err != nil || len(health.Stuck) == 0 || health.Stuck[0].Instance != instance {
					b.Errorf("Health has %+v, error %v", health.Stuck, err)
				}
				// Others go on, and further calls for the instance do not hang.
				for n := range 10 {
					out, err := client.Add(b.Context(), ledger.Add{Account: fmt.Sprint(n), Amount: 1})
					must(b, out, err)
					opened, err := ticket.NewClient(engine).Open(b.Context(), ticket.Open{ID: fmt.Sprint(n), Subject: fmt.Sprint(n)})
					must(b, opened, err)
				}
				if err := call(b.Context()); !errors.As(err, &stuck) {
					b.Errorf("another call gets %v", err)
				}
				before := b.table(events, "events", "WHERE instance = 'bad'")
				release()
				b.eventually("Health forgets it", func() bool {
					health, err := engine.Health(b.Context())
					return err == nil && len(health.Stuck) == 0
				})
				if err := call(b.Context()); err != nil {
					b.Errorf("after it has returned: %v", err)
				}
				added := len(b.table(events, "events", "WHERE instance = 'bad'")) - len(before)
				if want := 1; test.read && added != 0 || !test.read && added != want {
					b.Errorf("%d events were added", added)
				}
			})
		})
	}
}

// What user code was given when it did not return is used for no other instance: the code returns while another one is decided on.
func TestLateUserCodeChangesNoOtherInstance(t *testing.T) {
	onStores(t, func(b *bed) {
		hang, goOn := make(chan struct{}), make(chan struct{})
		release := sync.OnceFunc(func() { close(hang) })
		defer release()
		begun := make(chan struct{}, 1)
		config := b.realConfig()
		config.DecideTimeout = 2 * time.Second
		engine := b.engine(config, ledgers(ledger.Decider{OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
			if in.Account == "late" {
				<-hang
			} else {
				begun <- struct{}{}
				<-goOn
			}
			return ledger.AcceptAdd(ledger.Added{Amount: in.Amount})
		}}, ledger.Handler{}))
		client := ledger.NewClient(engine)
		var stuck *runtime.Stuck
		if _, err := client.Add(b.Context(), ledger.Add{Account: "late", Amount: 13}); !errors.As(err, &stuck) {
			b.Fatalf("got error %v", err)
		}
		result := make(chan addResult, 1)
		go func() {
			out, err := client.Add(b.Context(), ledger.Add{Account: "other", Amount: 1})
			result <- addResult{out, err}
		}()
		wait(b, "the other instance is decided on", begun)
		release()
		b.eventually("the code has returned", func() bool { return len(b.health(engine).Stuck) == 0 })
		close(goOn)
		wantAccepted(b, wait(b, "the other instance is stored", result))
		b.wantTable("instance, version, payload", "events", "", `other 1 {"amount":1}`)
	})
}

// Several inputs of one batch do not return. Each of them fails by itself, the others of the batch are stored, and so is what comes later.
func TestInputsOfABatchThatDoNotReturn(t *testing.T) {
	onStores(t, func(b *bed) {
		hang := make(chan struct{})
		release := sync.OnceFunc(func() { close(hang) })
		defer release()
		begun := make(chan struct{}, 10)
		config := b.realConfig()
		config.DecideTimeout, config.Batches = 200*time.Millisecond, 1
		engine := b.engine(config, ledgers(ledger.Decider{OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
			if in.Amount == 13 {
				begun <- struct{}{}
				<-hang
			}
			return ledger.AcceptAdd(ledger.Added{Amount: in.Amount})
		}}, ledger.Handler{}))
		client := ledger.NewClient(engine)
		send := func(account string, amount int64) chan addResult {
			result := make(chan addResult, 1)
			go func() {
				out, err := client.Add(b.Context(), ledger.Add{Account: account, Amount: amount})
				result <- addResult{out, err}
			}()
			return result
		}
		hung := map[string]chan addResult{"first": send("first", 13)}
		wait(b, "the code is called", begun)
		// These wait for the only batch, and are the next one.
		fine := make(map[string]chan addResult)
		for n := range 3 {
			hung[fmt.Sprint("hung ", n)] = send(fmt.Sprint("hung ", n), 13)
			fine[fmt.Sprint("fine ", n)] = send(fmt.Sprint("fine ", n), 1)
		}
		for account, result := range hung {
			var stuck *runtime.Stuck
			if r := wait(b, account, result); !errors.As(r.err, &stuck) || stuck.Code.Instance.ID != account {
				b.Errorf("%s: %v, error %v", account, r.out, r.err)
			}
		}
		for account, result := range fine {
			b.Log(account)
			wantAccepted(b, wait(b, account, result))
		}
		wantAccepted(b, wait(b, "a later input", send("fine 3", 1)))
		if stuck := b.health(engine).Stuck; len(stuck) != len(hung) {
			b.Errorf("Health has %+v", stuck)
		}
		release()
		b.eventually("all have returned", func() bool { return len(b.health(engine).Stuck) == 0 })
		b.wantTable("instance", "events", "", "fine 0", "fine 1", "fine 2", "fine 3")
	})
}

func cmpText(input string) string {
	if input == "" {
		return `""`
	}
	return input
}

// A caller's deadline is looked at before its input is decided: what was not decided by then never is, and of what was on its way to
// the store the input's id tells.
func TestCallersDeadline(t *testing.T) {
	onStores(t, func(b *bed) {
		for _, alone := range []bool{false, true} {
			for _, where := range []string{"before the decision", "at the commit"} {
				store := &faulty{Store: b.store}
				blocked, end := make(chan struct{}, 8), make(chan struct{})
				release := sync.OnceFunc(func() { close(end) })
				defer release()
				block := func() {
					blocked <- struct{}{}
					<-end
				}
				if where == "at the commit" {
					store.setCommit(func(ctx context.Context, commit func(context.Context) error) error {
						block()
						return commit(ctx)
					})
				} else {
					store.setBegin(func() error {
						block()
						return nil
					})
				}
				var on Store = store
				if alone {
					on = apart{Store: store}
				}
				engine := b.engineOn(on, b.realConfig(), tickets(ticket.Decider{}, ticket.Handler{}))
				id := fmt.Sprint(where, alone)
				send := func(ctx context.Context) (runtime.Outcome[ticket.Event, ticket.Rejection], error) {
					return runtime.Execute[ticket.Event, ticket.Rejection](ctx, engine, "ticket",
						ticket.Import{ID: id, Subject: id}, runtime.WithInputID("once"))
				}
				ctx, cancel := context.WithTimeout(b.Context(), 300*time.Millisecond)
				began := time.Now()
				_, err := send(ctx)
				cancel()
				if took := time.Since(began); took > 10*time.Second {
					b.Errorf("%s: the call took %v", id, took)
				}
				wait(b, "the store is asked", blocked)
				if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, runtime.ErrOutcomeUnknown) != (where == "at the commit") {
					b.Errorf("%s: got error %v", id, err)
				}
				store.setBegin(nil)
				store.setCommit(nil)
				release()
				instance := "WHERE instance = '" + id + "'"
				if where == "at the commit" {
					b.eventually("it is stored", func() bool { return len(b.table(events, "events", instance)) > 0 })
				}
				stored := len(b.table(events, "events", instance))
				if where == "before the decision" {
					// Another input of the instance waits for the one before.
					if _, err := ticket.NewClient(engine).Note(b.Context(), ticket.Note{ID: id}); err != nil {
						b.Error(err)
					}
					if stored = len(b.table(events, "events", instance)); stored != 0 {
						b.Errorf("%s: it was decided after its caller had gone", id)
					}
				}
				out, err := send(b.Context()) // tells what became of it, or brings it in
				must(b, out, err)
				if now := len(b.table(events, "events", instance)); stored > 0 && now != stored {
					b.Errorf("%s: it was applied twice", id)
				}
			}
		}
	})
}

// A projector that does not return loses its projection to one that stands by, and does not hold up anybody who writes.
func TestProjectorThatDoesNotReturn(t *testing.T) {
	onStores(t, func(b *bed) {
		end := make(chan struct{})
		release := sync.OnceFunc(func() { close(end) })
		defer release()
		config := b.projectionConfig()
		stuck, client := b.projecting(config, journal{timeout: 200 * time.Millisecond, before: func(context.Context, runtime.StoredEvent) error {
			<-end
			return nil
		}})
		b.run(stuck)
		add(b, client, "a")
		b.wantLog("a step of a projection does not return", "projection=journal")
		add(b, client, "a") // on SQLite there is one writer, and the step is not it any more
		health, err := stuck.Health(b.Context())
		if err != nil || len(health.Stuck) != 1 || health.Stuck[0].Projection != "journal" {
			b.Errorf("Health has %+v, error %v", health.Stuck, err)
		}
		standby, _ := b.projecting(config, journal{})
		b.run(standby)
		b.await(standby)
		b.wantJournal("a/1", "a/2")
		release()
		b.eventually("the step returns", func() bool {
			health, err := stuck.Health(b.Context())
			return err == nil && len(health.Stuck) == 0
		})
		b.wantJournal("a/1", "a/2")
	})
}
