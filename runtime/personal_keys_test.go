package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/enrolment"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// keyService is a key management service, as Config.Keys has it. ask is called first by each method, and may fail or take its time.
type keyService struct {
	mu    sync.Mutex
	keys  map[string]store.SubjectKey
	ask   func() error
	asked int
}

func newKeyService() *keyService { return &keyService{keys: make(map[string]store.SubjectKey)} }

func (s *keyService) set(ask func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ask = ask
}

func (s *keyService) begin() error {
	s.mu.Lock()
	ask := s.ask
	s.asked++
	s.mu.Unlock()
	if ask == nil {
		return nil
	}
	return ask()
}

func (s *keyService) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func (s *keyService) SubjectKeys(_ context.Context, subjects []string) (found []store.SubjectKey, err error) {
	if err := s.begin(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, subject := range subjects {
		key := s.keys[subject]
		key.Subject = subject
		found = append(found, key)
	}
	return found, nil
}

func (s *keyService) AddSubjectKeys(_ context.Context, keys []store.SubjectKey) error {
	if err := s.begin(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(keys, func(k store.SubjectKey) bool { _, has := s.keys[k.Subject]; return has }) {
		return store.ErrConflict
	}
	for _, k := range keys {
		s.keys[k.Subject] = k
	}
	return nil
}

func (s *keyService) ForgetSubject(_ context.Context, subject store.ForgottenSubject) (bool, error) {
	if err := s.begin(); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := s.keys[subject.Subject]
	had := len(key.Secret) > 0
	if key.Forgotten == nil {
		s.keys[subject.Subject] = store.SubjectKey{Subject: subject.Subject, Forgotten: &subject}
	}
	return had, nil
}

// secret replaces the secret of a subject, and returns the one before.
func (s *keyService) secret(subject string, secret []byte) (before []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := s.keys[subject]
	before, key.Secret = key.Secret, secret
	s.keys[subject] = key
	return before
}

// With Config.Keys, no key is in the store. While the service is down, an input with personal fields fails with its error and leaves nothing behind,
// other inputs go on, and no attempt at an effect is used up. Forget reaches the service.
func TestOwnKeyService(t *testing.T) {
	onStores(t, func(b *bed) {
		ctx, down := b.Context(), errors.New("the key service is down")
		service := newKeyService()
		config := b.realConfig()
		config.Keys, config.EffectRetry.MaxAttempts = service, 2
		sends := b.engine(config, enrolments(), tickets(ticket.Decider{}, ticket.Handler{}))
		client := enrolment.NewClient(sends)

		service.set(func() error { return down })
		if _, err := client.Enrol(ctx, annsEnrolment("e-1")); !errors.Is(err, down) {
			b.Errorf("while the service is down: %v", err)
		}
		b.wantTable("*", "instances", "")
		mustOpen(b, sends, "t-1")

		service.set(nil)
		mustEnrol(b, client, annsEnrolment("e-1"))
		b.wantTable("*", "subject_keys", "")
		b.wantNoSecrets("with keys elsewhere")
		b.wantTable("attempts, kind", "effects", "", "0 Welcome")

		// Another process has not asked for the key yet.
		service.set(func() error { return down })
		handles := b.engine(config, enrolments())
		before := service.calls()
		b.run(handles)
		b.eventually("it has asked more often than the effect may be tried", func() bool { return service.calls() > before+4 })
		if _, err := enrolment.NewClient(handles).State(ctx, "e-1"); !errors.Is(err, down) {
			b.Errorf("a state while the service is down: %v", err)
		}
		b.wantTable("count(*)", "effects", "WHERE attempts > 1 OR died_at IS NOT NULL", "0")
		service.set(nil)
		b.eventually("the greeting", func() bool {
			history, err := client.History(ctx, "e-1")
			return err == nil && len(history) == 2
		})

		had, err := sends.Forget(ctx, store.ForgottenSubject{Subject: "customer-1", Reason: "test"})
		if err != nil || !had {
			b.Errorf("Forget: %v, %v", had, err)
		}
		if state, err := client.State(ctx, "e-1"); err != nil || state.State.Email != "" {
			b.Errorf("after Forget: %+v, %v", state, err)
		}
	})
}

// A key that is damaged blocks the deliveries of its subject only. They are done once the key is whole, and dead after Config.BlockedTimeout.
func TestDamagedKey(t *testing.T) {
	onAllStores(t, func(b *bed) {
		ctx := b.Context()
		service := newKeyService()
		config := b.realConfig()
		config.Keys, config.EffectRetry.MaxAttempts = service, 2
		sends := b.engine(config, enrolments())
		for n := range 4 {
			in := annsEnrolment(fmt.Sprint("e-", n))
			in.CustomerID = fmt.Sprint("c-", n)
			mustEnrol(b, enrolment.NewClient(sends), in)
		}
		secret := service.secret("c-0", []byte("short"))
		service.secret("c-1", []byte("short"))
		handles := b.engine(config, enrolments()) // it has not asked for keys yet
		client := enrolment.NewClient(handles)
		end := b.run(handles)
		greeted := func(id string) {
			b.Helper()
			b.eventually(id+" is greeted", func() bool {
				history, err := client.History(ctx, id)
				return err == nil && len(history) == 2
			})
		}
		greeted("e-2")
		greeted("e-3")
		waits := func(id string) store.WaitingDelivery {
			b.Helper()
			waiting, err := b.store.Waiting(ctx, store.EffectQueue, runtime.InstanceKey{Workflow: "enrolment", ID: id}, 10)
			if err != nil || len(waiting) != 1 {
				b.Fatalf("%s: %+v, %v", id, waiting, err)
			}
			return waiting[0]
		}
		b.eventually("e-0 and e-1 are blocked", func() bool {
			for _, id := range []string{"e-0", "e-1"} {
				if d := waits(id); d.BlockedSince.IsZero() || d.Attempts > 1 || !strings.Contains(d.LastError, `the key of subject "c-`) {
					return false
				}
			}
			return true
		})
		if _, err := client.State(ctx, "e-0"); err == nil || !strings.Contains(err.Error(), `the key of subject "c-0" cannot be used`) {
			b.Errorf("the state: %v", err)
		}
		service.secret("c-0", secret)
		greeted("e-0")
		if err := end(); err != nil {
			b.Fatal(err)
		}

		config.BlockedTimeout = time.Millisecond
		buries := b.engine(config, enrolments())
		b.run(buries)
		b.eventually("the other one is dead, and can be listed", func() bool {
			dead, err := buries.DeadLetters(ctx, runtime.DeadLetterQuery{})
			if err != nil {
				b.Fatal(err)
			}
			return len(dead.Items) == 1 && dead.Items[0].Lease.Instance.ID == "e-1" && strings.Contains(dead.Items[0].Error, "c-1")
		})
	})
}

func mustOpen(b *bed, engine *runtime.Engine, id string) ticket.OpenOutcome {
	b.Helper()
	out, err := ticket.NewClient(engine).Open(b.Context(), ticket.Open{ID: id, Subject: id})
	return must(b, out, err)
}

// A key service that does not answer holds an input up for Config.StoreTimeout, and one that is slow for as long as it takes.
func TestKeyServiceThatIsSilentOrSlow(t *testing.T) {
	onStores(t, func(b *bed) {
		ctx := b.Context()
		service := newKeyService()
		config := b.realConfig()
		config.Keys, config.StoreTimeout = service, time.Second
		client := enrolment.NewClient(b.engine(config, enrolments()))
		end := make(chan struct{})
		release := sync.OnceFunc(func() { close(end) })
		defer release()
		service.set(func() error { <-end; return nil })
		began := time.Now()
		_, err := client.Enrol(ctx, annsEnrolment("e-1"))
		var silent *runtime.StoreTimeout
		if !errors.As(err, &silent) || silent.Call != "SubjectKeys" || errors.Is(err, runtime.ErrOutcomeUnknown) || time.Since(began) > 15*time.Second {
			b.Errorf("after %v: %v", time.Since(began), err)
		}
		short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		if _, err := client.Enrol(short, annsEnrolment("e-1")); !errors.Is(err, context.DeadlineExceeded) {
			b.Errorf("with a deadline: %v", err)
		}
		b.wantTable("*", "instances", "")
		release()
		service.set(func() error { time.Sleep(200 * time.Millisecond); return nil })
		mustEnrol(b, client, annsEnrolment("e-2")) // that of e-1 may have been decided on, although nobody waited for it any more
	})
}

// Engines that make the key of one subject at the same time agree on one, wherever the keys are. Each can read what the others stored.
func TestRaceForAKey(t *testing.T) {
	for _, elsewhere := range []bool{false, true} {
		t.Run(fmt.Sprint("keys elsewhere ", elsewhere), func(t *testing.T) {
			onStores(t, func(b *bed) {
				const engines, subjects, each = 3, 8, 4
				config := b.realConfig()
				if elsewhere {
					config.Keys = newKeyService()
				}
				var clients []*enrolment.Client
				for range engines {
					clients = append(clients, enrolment.NewClient(b.engine(config, enrolments())))
				}
				id := func(engine, subject, n int) string { return fmt.Sprintf("%d-%d-%d", engine, subject, n) }
				for s := range subjects {
					var all sync.WaitGroup
					for e, client := range clients {
						for n := range each {
							all.Go(func() {
								in := annsEnrolment(id(e, s, n))
								in.CustomerID = fmt.Sprint("c-", s)
								if out, err := client.Enrol(b.Context(), in); err != nil || !out.Accepted() {
									b.Errorf("%s: %v, %v", in.EnrolmentID, out, err)
								}
							})
						}
					}
					all.Wait()
				}
				if !elsewhere {
					b.wantTable("count(*)", "subject_keys", "", fmt.Sprint(subjects))
				}
				b.wantNoSecrets("after the race")
				reader := enrolment.NewClient(b.engine(config, enrolments()))
				for e := range engines {
					for s := range subjects {
						for n := range each {
							state, err := reader.State(b.Context(), id(e, s, n))
							if err != nil || state.State.Email != "ann@secret.example" {
								b.Errorf("%s: %+v, %v", id(e, s, n), state, err)
							}
						}
					}
				}
			})
		})
	}
}

// The key of a new subject belongs to the transaction of the caller: a rollback takes it away, and nobody has it before the commit.
func TestPersonalFieldsWithinATransaction(t *testing.T) {
	withTransactions(t, func(b *bed, begin func() callersTx) {
		ctx := b.Context()
		client := enrolment.NewClient(b.engine(b.realConfig(), enrolments()))
		within := func(tx callersTx, id string) {
			b.Helper()
			mustEnrol(b, client, annsEnrolment(id), runtime.Within(tx), runtime.WithInputID(id))
		}
		tx := begin()
		within(tx, "gone")
		within(tx, "gone too") // with the key of the first
		if again := mustEnrol(b, client, annsEnrolment("gone"), runtime.Within(tx), runtime.WithInputID("gone")); again.Version != 1 {
			b.Errorf("a repeat: %+v", again)
		}
		if out, err := client.Move(ctx, enrolment.Move{EnrolmentID: "gone", Email: "new@secret.example"}, runtime.Within(tx)); err != nil || !out.Accepted() {
			b.Errorf("got %v, %v", out, err)
		}
		if err := tx.rollback(); err != nil {
			b.Fatal(err)
		}
		b.wantTable("*", "subject_keys", "")

		tx = begin()
		within(tx, "e-1")
		if err := tx.commit(); err != nil {
			b.Fatal(err)
		}
		b.wantTable("subject", "subject_keys", "", "customer-1")
		mustEnrol(b, client, annsEnrolment("e-2"))
		b.wantNoSecrets("after the commit")
		for name, client := range map[string]*enrolment.Client{"same": client, "other": enrolment.NewClient(b.engine(b.realConfig(), enrolments()))} {
			for _, id := range []string{"e-1", "e-2"} {
				if state, err := client.State(ctx, id); err != nil || state.State.Email != "ann@secret.example" {
					b.Errorf("%s: %s: %+v, %v", name, id, state, err)
				}
			}
		}
		if all := strings.Join(b.table("subject", "subject_keys", ""), " "); all != "customer-1" {
			b.Errorf("got keys of %s", all)
		}

		// A key that exists is used.
		tx = begin()
		within(tx, "e-3")
		if err := tx.commit(); err != nil {
			b.Fatal(err)
		}
		if state, err := client.State(ctx, "e-3"); err != nil || state.State.Email != "ann@secret.example" {
			b.Errorf("got %+v, %v", state, err)
		}
	})
}
