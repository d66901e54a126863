package runtime

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

func TestRetryDelay(t *testing.T) {
	t.Parallel()
	p := RetryPolicy{MaxAttempts: 9, Base: 100 * time.Millisecond, Max: time.Second}
	for attempt, full := range map[int]time.Duration{
		1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 3: 400 * time.Millisecond, 4: 800 * time.Millisecond,
		5: time.Second, 6: time.Second, 1000: time.Second, math.MaxInt: time.Second,
	} {
		low, high := full, time.Duration(0)
		for range 1000 {
			d := p.delay(attempt)
			low, high = min(low, d), max(high, d)
		}
		if low < full/2 || high > full || high-low < full/4 {
			t.Errorf("attempt %d: pauses from %v to %v, want them spread from %v to %v", attempt, low, high, full/2, full)
		}
	}
	huge := RetryPolicy{Base: math.MaxInt64 / 3 * 2, Max: math.MaxInt64}
	if d := huge.delay(7); d < math.MaxInt64/2 {
		t.Errorf("overflow: got %v", d)
	}
	if d := (RetryPolicy{}).delay(3); d != 0 {
		t.Errorf("no pause: got %v", d)
	}
}

func TestRetryDefaults(t *testing.T) {
	t.Parallel()
	def := RetryPolicy{MaxAttempts: 5, Base: time.Second, Max: time.Minute}
	for _, test := range []struct{ declared, want RetryPolicy }{
		{RetryPolicy{}, def},
		{RetryPolicy{MaxAttempts: 1}, RetryPolicy{1, time.Second, time.Minute}},
		{RetryPolicy{Base: time.Hour}, RetryPolicy{5, time.Hour, time.Hour}},
		{RetryPolicy{2, 3, 4}, RetryPolicy{2, 3, 4}},
	} {
		if got := test.declared.withDefaults(def); got != test.want {
			t.Errorf("%+v: got %+v, want %+v", test.declared, got, test.want)
		}
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	p := RetryPolicy{MaxAttempts: 3, Base: time.Second, Max: time.Second}
	broken := errors.New("broken")
	for _, test := range []struct {
		name    string
		attempt int
		err     error
		verdict Verdict
		from    time.Duration
		to      time.Duration
		text    string
	}{
		{"plain", 1, broken, RetryLater, time.Second / 2, time.Second, "broken"},
		{"last", 3, broken, Dead, 0, 0, "attempt 3 of 3: broken"},
		{"permanent", 1, Permanent(broken), Dead, 0, 0, "broken"},
		{"permanent at last", 3, Permanent(broken), Dead, 0, 0, "broken"},
		{"retry after", 2, RetryAfter(broken, time.Hour), RetryLater, time.Hour, time.Hour, "broken"},
		{"retry after in the past", 2, RetryAfter(broken, -time.Hour), RetryLater, 0, 0, "broken"},
		{"retry after at last", 3, RetryAfter(broken, time.Hour), Dead, 0, 0, "attempt 3 of 3: broken"},
		{"permanent retry after", 1, RetryAfter(Permanent(broken), time.Hour), Dead, 0, 0, "broken"},
	} {
		s := p.settle(Delivery{Attempt: test.attempt, Lease: Lease{Token: 7}}, test.err, now)
		if s.Verdict != test.verdict || s.Error != test.text || s.Lease.Token != 7 ||
			s.At.Before(now.Add(test.from)) || s.At.After(now.Add(test.to)) {
			t.Errorf("%s: got %+v", test.name, s)
		}
		if !errors.Is(test.err, broken) {
			t.Errorf("%s: the mark hides the error", test.name)
		}
	}
}

func TestTimerNet(t *testing.T) {
	t.Parallel()
	var n timerNet
	n.start(NewTimer{Key: "a", Input: "1"})
	n.cancel("b")
	n.start(NewTimer{Key: "c"})
	n.start(NewTimer{Key: "a", Input: "2"})
	n.start(NewTimer{Key: "b", Input: "3"})
	n.cancel("c")
	n.cancel("d")
	start, cancel := n.result()
	if len(start) != 2 || start[0].Key != "a" || start[0].Input != "2" || start[1].Key != "b" || start[1].Input != "3" {
		t.Errorf("started: %+v", start)
	}
	if !slices.Equal(cancel, []string{"c", "d"}) {
		t.Errorf("cancelled: %v", cancel)
	}
}

func TestFireAt(t *testing.T) {
	t.Parallel()
	now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	var s Schedule
	for _, test := range []struct {
		name string
		spec TimerSpec
		want time.Time // zero for none
		has  bool
	}{
		{"none", TimerSpec{}, time.Time{}, false},
		{"declared", TimerSpec{After: time.Hour}, now.Add(time.Hour), true},
		{"in", TimerSpec{Schedule: s.In(time.Minute), After: time.Hour}, now.Add(time.Minute), true},
		{"in no time", TimerSpec{Schedule: s.In(0), After: time.Hour}, now, true},
		{"in the past", TimerSpec{Schedule: s.In(-time.Minute)}, now.Add(-time.Minute), true},
		{"at", TimerSpec{Schedule: s.At(now.Add(5)), After: time.Hour}, now.Add(5), true},
		{"at the zero time", TimerSpec{Schedule: s.At(time.Time{}), After: time.Hour}, time.Time{}, true},
		{"in, then at", TimerSpec{Schedule: s.In(1).At(now.Add(2))}, now.Add(2), true},
		{"at, then in", TimerSpec{Schedule: s.At(now.Add(2)).In(1)}, now.Add(1), true},
	} {
		got, has := test.spec.FireAt(now)
		if has != test.has || !got.Equal(test.want) {
			t.Errorf("%s: got %v, %v", test.name, got, has)
		}
	}
	if key := (TimerSpec{Name: "n", Schedule: s.Key("k").In(1)}).StoredKey(); key != "n/k" {
		t.Errorf("got key %q", key)
	}
}

func TestAlarm(t *testing.T) {
	t.Parallel()
	at := func(n int) time.Time { return time.Unix(int64(n), 0) }
	a := alarm{ring: make(chan struct{}, 1)}
	rings := func() bool {
		select {
		case <-a.ring:
			return true
		default:
			return false
		}
	}
	wantNext := func(n int) {
		t.Helper()
		if got, ok := a.next(); ok != (n > 0) || ok && !got.Equal(at(n)) {
			t.Errorf("next: got %v, %v, want %d", got, ok, n)
		}
	}
	wantNext(0)
	a.set(at(20))
	if !rings() {
		t.Error("the first time does not ring")
	}
	a.set(at(30))
	a.set(at(20))
	if rings() {
		t.Error("a later time rings")
	}
	a.set(at(10))
	if !rings() {
		t.Error("an earlier time does not ring")
	}
	for _, n := range []int{10, 20, 30} {
		a.clear(at(n).Add(-1))
		wantNext(n)
		a.clear(at(n))
	}
	wantNext(0)

	// However many are set, the earliest are kept.
	for n := 10 * maxAlarms; n > 0; n-- {
		a.set(at(n))
	}
	for n := 1; n <= maxAlarms; n++ {
		wantNext(n)
		a.clear(at(n))
	}
	wantNext(0)
}

func TestStoredTime(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("x", 3600)
	got := storedTime(time.Date(2031, 1, 1, 1, 0, 0, 123_456_789, zone))
	if want := time.Date(2031, 1, 1, 0, 0, 0, 123_456_000, time.UTC); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTransitionAllows(t *testing.T) {
	t.Parallel()
	transition := &Transition{Events: []EventMove{{Event: "A"}, {Event: "B"}}, Effects: []string{"E"}}
	for name, want := range map[string]string{
		"event A": "", "event B": "", "effect E": "",
		"event C":  "the declaration does not allow the event C here, only A, B",
		"effect A": "the declaration does not allow the effect A here, only E",
		"timer E":  "the declaration allows no timer here, the decision has E",
	} {
		what, named, _ := strings.Cut(name, " ")
		var got string
		if err := transition.allows(what, named); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// Imported types bring their own JSON methods, and those may panic.
func TestCodecPanics(t *testing.T) {
	t.Parallel()
	c := Codec[any]{
		Name:   func(any) string { return "Created" },
		Encode: func(*codec.Encoder, any) { panic("encoder") },
		Decode: func(*codec.Decoder, string) (any, error) { panic("decoder") },
	}
	_, _, encodeErr := encode[any](1, c)
	_, decodeErr := decode(codec.NewDecoder(nil), "Created", c)
	for want, err := range map[string]error{
		"encoding Created panicked: encoder": encodeErr,
		"decoding Created panicked: decoder": decodeErr,
	} {
		var p *PanicError
		if !errors.As(err, &p) || p.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	name := PayloadName{Workflow: "order", Kind: InputPayload, Name: "Pay"}
	payload := []byte(`{"card":"4111"}`)
	for what, test := range map[string]struct {
		redact func(PayloadName, []byte) []byte
		want   string
		log    string
	}{
		"no hook": {nil, `{"card":"4111"}`, ""},
		"changed in place": {func(n PayloadName, p []byte) []byte {
			if n != name {
				t.Errorf("asked for %v", n)
			}
			copy(p[9:], "****")
			return p
		}, `{"card":"****"}`, ""},
		"panic":    {func(PayloadName, []byte) []byte { panic("4111") }, notRedacted, "Config.Redact panicked"},
		"no JSON":  {func(PayloadName, []byte) []byte { return []byte("secret") }, notRedacted, "no JSON"},
		"no UTF-8": {func(PayloadName, []byte) []byte { return []byte("\"\xff\"") }, notRedacted, "no JSON"},
		"too much": {func(PayloadName, []byte) []byte { return []byte(`"` + strings.Repeat("x", 999) + `"`) }, notRedacted, "MaxPayloadBytes"},
		"nothing":  {func(PayloadName, []byte) []byte { return nil }, notRedacted, "input Pay of order"},
	} {
		log.Reset()
		c := Config{Logger: slog.New(slog.NewTextHandler(&log, nil)), Redact: test.redact, MaxPayloadBytes: 100}
		if got := string(c.redact(name, payload)); got != test.want {
			t.Errorf("%s: got %s", what, got)
		}
		if !strings.Contains(log.String(), test.log) {
			t.Errorf("%s: logged %q", what, log.String())
		}
		if strings.Contains(log.String(), "4111") || strings.Contains(log.String(), "secret") {
			t.Errorf("%s: the log shows it: %q", what, log.String())
		}
		if string(payload) != `{"card":"4111"}` {
			t.Fatalf("%s: what is stored was changed to %s", what, payload)
		}
	}
}

// settledFeed is a feed in which nothing happens.
type settledFeed struct{ Feed }

func (settledFeed) FeedHorizon(context.Context) (FeedHorizon, error) { return FeedHorizon{}, nil }

// TestNewsOutlivesTheReader says that a reader that leaves as news comes does not take the news along: another may have come,
// and has looked already.
func TestNewsOutlivesTheReader(t *testing.T) {
	t.Parallel()
	for range 60 {
		w := newFeedWatch(settledFeed{}, Config{PollInterval: time.Hour}.withDefaults())
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			w.look(ctx)
			close(ended)
		}()
		time.Sleep(newsPause / 3) // it has looked, and pauses before it waits for news
		w.committed()
		cancel()
		<-ended
		select {
		case <-w.news:
		default:
			t.Fatal("the news is lost")
		}
	}
}

// Kinds of one priority take turns; of different ones, the higher is first. As few questions as can be are asked.
func TestPlanClaims(t *testing.T) {
	t.Parallel()
	w := &worker{routes: map[Kind]route{}}
	limit := &EffectLimit{Global: 1}
	for name, r := range map[string]route{
		"a": {}, "b": {limit: limit}, "c": {priority: 5}, "d": {priority: 3}, "e": {priority: -1}, "f": {priority: -2}, "g": {priority: -9, limit: limit},
	} {
		w.routes[Kind{Name: name}] = r
	}
	turns, limited := w.planClaims()
	var got []string
	for _, turn := range turns {
		var steps []string
		for _, step := range turn {
			kinds := step.kinds
			if step.limited != nil {
				kinds = []Kind{step.limited.kind}
			}
			var names []string
			for _, kind := range kinds {
				names = append(names, kind.Name)
				if p := w.routes[kind].priority; step.limited == nil && step.priority[kind] != p {
					t.Errorf("%s is asked for with the priority %d, want %d", kind.Name, step.priority[kind], p)
				}
			}
			steps = append(steps, strings.Join(names, "+"))
		}
		slices.Sort(steps)
		got = append(got, strings.Join(steps, ","))
	}
	if want := []string{"c+d", "a,b", "e+f", "g"}; !slices.Equal(got, want) {
		t.Errorf("got the turns %q, want %q", got, want)
	}
	if len(limited) != 2 {
		t.Errorf("%d kinds have limits", len(limited))
	}
}

// bell counts its notifications, each of which waits until it may return.
type bell struct {
	Store
	rung  atomic.Int32
	goOn  chan bool
	began chan bool
}

func (b *bell) Notify(context.Context, News) error {
	b.rung.Add(1)
	b.began <- true
	<-b.goOn
	return nil
}

func (b *bell) Listen(ctx context.Context, _ func(News)) error {
	<-ctx.Done()
	return ctx.Err()
}

// However many commits there are, other processes are told of them in one notification at a time, and of the last one in any case.
func TestOneNotificationForManyCommits(t *testing.T) {
	t.Parallel()
	b := &bell{goOn: make(chan bool), began: make(chan bool, 9)}
	a := newAnnouncer(b, Config{}.withDefaults(), NewWork, time.Millisecond)
	a.announce()
	<-b.began
	for range 1000 { // commits while a notification is under way
		a.announce()
	}
	if n := b.rung.Load(); n != 1 {
		t.Errorf("%d notifications, want 1", n)
	}
	b.goOn <- true
	<-b.began // of what came meanwhile
	b.goOn <- true
	time.Sleep(20 * a.interval)
	if n := b.rung.Load(); n != 2 {
		t.Errorf("%d notifications, want 2", n)
	}
	a.announce()
	<-b.began
	b.goOn <- true
}

// timekeeper is a store of which only the time is asked.
type timekeeper struct {
	Store
	time func() (time.Time, error)
}

func (k timekeeper) Time(context.Context) (time.Time, error) { return k.time() }

// A store's time is counted on between its answers, and the process's own is used until there is one.
func TestStoreClock(t *testing.T) {
	t.Parallel()
	var fails atomic.Bool
	var at atomic.Pointer[time.Time]
	then := time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
	at.Store(&then)
	fails.Store(true)
	c := newStoreClock(timekeeper{time: func() (time.Time, error) {
		if fails.Load() {
			return time.Time{}, errors.New("no connection")
		}
		return *at.Load(), nil
	}}, slog.New(slog.DiscardHandler))
	about := func(want time.Time) func() bool {
		return func() bool { d := c.Now().Sub(want); return d >= 0 && d < time.Minute }
	}
	if now := time.Now(); !about(now)() {
		t.Errorf("without an answer it is %v", c.Now())
	}
	askAgain := func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.nextAsk = time.Now()
	}
	eventually := func(what string, condition func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(time.Millisecond) {
			if askAgain(); time.Now().After(deadline) {
				t.Fatalf("it is %v, %s", c.Now(), what)
			}
		}
	}
	fails.Store(false)
	eventually("want the store's time", about(then))
	before := c.Now()
	time.Sleep(2 * time.Millisecond)
	if !c.Now().After(before) {
		t.Error("it stands still between answers")
	}
	fails.Store(true)
	askAgain()
	c.Now()
	if !about(then)() {
		t.Errorf("without another answer it is %v", c.Now())
	}
	fails.Store(false)
	back := then.Add(-time.Hour)
	at.Store(&back)
	eventually("want the store's time after that was set back", about(back))
}
