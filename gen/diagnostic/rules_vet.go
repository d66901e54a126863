package diagnostic

// Rules about the code that users write for a workflow. "ironflow-gen vet" reports them, each with the name of the pass in
// front, by which a comment suppresses it.
var (
	VetClock = define("IF2001", Rule{
		Title: "A decider or evolver looks at the clock",
		Why: `
The now of a decision is its first parameter. It never runs backwards within an instance, it is not before the timer that fires,
it is stored with the events, and tests set it. What an evolver should know of time belongs into the event. To wait, declare a
timer.`,
		Wrong: `
func (Decider) Pay(_ time.Time, _ State, in Pay) PayDecision {
	return AcceptPay(Paid{AmountCents: in.AmountCents, PaidAt: time.Now()})
}`,
		Right: `
func (Decider) Pay(now time.Time, _ State, in Pay) PayDecision {
	return AcceptPay(Paid{AmountCents: in.AmountCents, PaidAt: now})
}`,
		Form: Methods,
	})

	VetRandom = define("IF2002", Rule{
		Title: "A decider or evolver draws random numbers",
		Why: `
The engine asks a decider again when another input came first, and folds events each time it reads an instance, so what is random
differs from one time to the next. Let the caller bring ids and random numbers in the input, or an effect draw them. A generator
with a seed of its own, made from the input, is fine.`,
		Wrong: `
func (Decider) PaymentFailed(now time.Time, s State, in PaymentFailed) PaymentFailedDecision {
	return AcceptPaymentFailed(Cancelled{Reason: rand.Text()})
}`,
		Right: `
func (Decider) PaymentFailed(now time.Time, s State, in PaymentFailed) PaymentFailedDecision {
	return AcceptPaymentFailed(Cancelled{Reason: in.Reason})
}`,
		Form: Methods,
	})

	VetOutside = define("IF2003", Rule{
		Title: "A decider or evolver looks outside",
		Why: `
Environment, files, network, processes and the engine itself are outside. A decider is asked while other inputs of its instance
wait, and it may be asked again; an evolver runs each time an instance is read. What is outside is for effects, whose result comes
back as an input. Settings belong into fields of the decider that are set when the program starts.`,
		Wrong: `
func (Decider) Pay(now time.Time, s State, in Pay) PayDecision {
	if os.Getenv("SHOP_CLOSED") != "" {
		return RejectPay(EmptyOrder{})
	}
	return AcceptPay(Paid{AmountCents: in.AmountCents, PaidAt: now})
}`,
		Right: `
func (d Decider) Pay(now time.Time, s State, in Pay) PayDecision {
	if d.Closed {
		return RejectPay(EmptyOrder{})
	}
	return AcceptPay(Paid{AmountCents: in.AmountCents, PaidAt: now})
}`,
		Form: Methods,
	})

	VetConcurrency = define("IF2004", Rule{
		Title: "A decider or evolver uses goroutines or channels",
		Why: `
Which goroutine comes first is random, and one that goes on after the decision reads memory that the engine goes on using. Use a
plain loop; what takes long is for an effect.`,
		Wrong: `
func (Decider) Pay(now time.Time, s State, in Pay) PayDecision {
	total := make(chan int64)
	go func() { total <- s.TotalCents }()
	return AcceptPay(Paid{AmountCents: <-total, PaidAt: now})
}`,
		Right: `
func (Decider) Pay(now time.Time, s State, in Pay) PayDecision {
	return AcceptPay(Paid{AmountCents: s.TotalCents, PaidAt: now})
}`,
		Form: Methods,
	})

	VetGlobals = define("IF2005", Rule{
		Title: "A decider or evolver uses a variable that outlives the decision",
		Why: `
Package variables that something else than initialization writes, and fields of the decider that it changes, are shared by all
instances, lost at a restart, and differ from process to process. What decisions depend on belongs into the state. Variables that
are set when the program starts, also by sync.Once, are fine.`,
		Wrong: `
var orders int64

func (Decider) Pay(now time.Time, s State, in Pay) PayDecision {
	orders++
	return AcceptPay(Paid{AmountCents: orders, PaidAt: now})
}`,
		Right: `
func (Decider) Pay(now time.Time, s State, in Pay) PayDecision {
	return AcceptPay(Paid{AmountCents: in.AmountCents, PaidAt: now})
}`,
		Form: Methods,
	})

	VetMapOrder = define("IF2006", Rule{
		Title: "The random order of a map reaches a decision or the state",
		Why: `
A loop over a map may count, sum integers, fill another map, and look for any, all, the largest or a certain key. Lists that it
fills have to be sorted; strings, sums of floats, and the first or last one that is found depend on the order.`,
		Wrong: `
func (Decider) PaymentFailed(now time.Time, s State, in PaymentFailed) PaymentFailedDecision {
	counts := make(map[string]int32)
	for _, item := range s.Items {
		counts[item.Sku] += item.Quantity
	}
	reason := in.Reason
	for sku := range counts {
		reason += " " + sku
	}
	return AcceptPaymentFailed(Cancelled{Reason: reason})
}`,
		Right: `
func (Decider) PaymentFailed(now time.Time, s State, in PaymentFailed) PaymentFailedDecision {
	counts := make(map[string]int32)
	for _, item := range s.Items {
		counts[item.Sku] += item.Quantity
	}
	reason := in.Reason
	for _, sku := range slices.Sorted(maps.Keys(counts)) {
		reason += " " + sku
	}
	return AcceptPaymentFailed(Cancelled{Reason: reason})
}`,
		Form: Methods,
	})

	VetMutation = define("IF2007", Rule{
		Title: "A decider changes the state or the input in place",
		Why: `
A decider gets copies of the state and of the input, but their lists, maps and pointers lead to memory that the engine goes on
using: for the next input when this one is rejected, and for the same one when it has to be decided again. Change a clone. Evolvers
may change the state they are given.`,
		Wrong: `
func (Decider) Pay(now time.Time, s State, in Pay) PayDecision {
	slices.Reverse(s.Items)
	return AcceptPay(Paid{AmountCents: s.Items[0].PriceCents, PaidAt: now})
}`,
		Right: `
func (Decider) Pay(now time.Time, s State, in Pay) PayDecision {
	items := slices.Clone(s.Items)
	slices.Reverse(items)
	return AcceptPay(Paid{AmountCents: items[0].PriceCents, PaidAt: now})
}`,
		Form: Methods,
	})

	VetDecision = define("IF2008", Rule{
		Title: "A decision that the engine refuses",
		Why: `
What the declaration allows for an input in no state does not compile. What it allows in other states does, and so do the empty
decision, a rejection with effects, and a timer without a time. vet compares the events, effects and timers of a decision with the
declared states, as far as the code has not excluded some by looking at the status.`,
		Wrong: `
func (Decider) Pay(now time.Time, s State, in Pay) PayDecision {
	if in.AmountCents < s.TotalCents {
		return PayDecision{}
	}
	return AcceptPay(Paid{AmountCents: in.AmountCents, PaidAt: now})
}`,
		Right: `
func (Decider) Pay(now time.Time, s State, in Pay) PayDecision {
	if in.AmountCents < s.TotalCents {
		return RejectPay(Underpaid{MissingCents: s.TotalCents - in.AmountCents})
	}
	return AcceptPay(Paid{AmountCents: in.AmountCents, PaidAt: now})
}`,
		Form: Methods,
	})

	VetVariant = define("IF2009", Rule{
		Title: "A value that compiles as a declared event, effect or the like, and is none",
		Why: `
The sealed interfaces that are generated are fulfilled by the generated structs, but also by pointers to them and by structs that
embed them. The engine refuses both when it meets one.`,
		Wrong: `
func (Decider) Pay(now time.Time, s State, in Pay) PayDecision {
	return AcceptPay(&Paid{AmountCents: in.AmountCents, PaidAt: now})
}`,
		Right: `
func (Decider) Pay(now time.Time, s State, in Pay) PayDecision {
	return AcceptPay(Paid{AmountCents: in.AmountCents, PaidAt: now})
}`,
		Form: Methods,
	})

	VetEvolver = define("IF2010", Rule{
		Title: "An evolver decides",
		Why: `
An evolver says what has happened, again each time the instance is read. It cannot refuse an event: one that panics makes the
instance unreadable for ever. Check in the decider, before the event is stored. The status is not the evolver's either: the
declaration says where an event leads, and what an evolver sets is overwritten.`,
		Wrong: `
func (Evolver) Paid(s State, e Paid) State {
	if e.AmountCents < s.TotalCents {
		panic("underpaid")
	}
	s.PaidAt = &e.PaidAt
	return s
}`,
		Right: `
func (Evolver) Paid(s State, e Paid) State {
	s.PaidAt = &e.PaidAt
	return s
}`,
		Form: Methods,
	})

	VetHandler = define("IF2011", Rule{
		Title: "A handler ignores its context, or sleeps",
		Why: `
The context of a handler ends when the attempt times out, when the worker loses its lease and when the process stops. What does not
heed it goes on, while the effect is tried again elsewhere. A handler that is to wait returns runtime.Snooze, or runtime.RetryAfter
when it has failed: it then holds no worker, and the pause outlives the process. For what has to be done after the context ends there is
context.WithoutCancel.`,
		Wrong: `
func (h Handler) SendReceipt(ctx context.Context, e SendReceipt, call runtime.EffectCall) error {
	return h.Mailer.SendReceipt(context.Background(), call.IdempotencyKey, e.Email, e.AmountCents)
}`,
		Right: `
func (h Handler) SendReceipt(ctx context.Context, e SendReceipt, call runtime.EffectCall) error {
	return h.Mailer.SendReceipt(ctx, call.IdempotencyKey, e.Email, e.AmountCents)
}`,
		Form: Methods,
	})

	VetIdempotency = define("IF2012", Rule{
		Title: "A handler gives away another idempotency key than that of the call",
		Why: `
An effect is handled at least once. call.IdempotencyKey is the same for every attempt at an effect and for no other effect, so a
service that is given it does not act twice. A key that is made of something else is either new each time, or the same for two
effects that ask for the same.`,
		Wrong: `
func (h Handler) SendReceipt(ctx context.Context, e SendReceipt, call runtime.EffectCall) error {
	return h.Client.Send(ctx, Mail{To: e.Email, IdempotencyKey: call.Instance.ID})
}`,
		Right: `
func (h Handler) SendReceipt(ctx context.Context, e SendReceipt, call runtime.EffectCall) error {
	return h.Client.Send(ctx, Mail{To: e.Email, IdempotencyKey: call.IdempotencyKey})
}`,
		Form: Methods,
	})

	VetOutcome = define("IF2013", Rule{
		Title: "A caller does not look at what became of an input",
		Why: `
A rejected input is no error: the decider was asked, and said no. A caller that looks at the error alone takes a rejection for a
success.`,
		Wrong: `
func settle(ctx context.Context, client *Client, in Pay) error {
	_, err := client.Pay(ctx, in)
	return err
}`,
		Right: `
func settle(ctx context.Context, client *Client, in Pay) error {
	out, err := client.Pay(ctx, in)
	if err == nil && out.Rejected() {
		err = fmt.Errorf("not paid: %v", out.Rejection)
	}
	return err
}`,
		Form: Methods,
	})

	VetUnfinished = define("IF2014", Rule{
		Title: "A method that is yet to be written",
		Why: `
The skeleton of a new declaration has stubs for the methods that only you can write, and "ironflow-gen generate -stubs" adds stubs
when a declaration has grown. They compile, and fail when they are called: an input or effect that meets one is an error, and
nothing is stored. Write the method in place of the stub.`,
		Wrong: `
func (Decider) Pay(now time.Time, s State, in Pay) PayDecision {
	panic(unfinished("Decider.Pay"))
}`,
		Right: `
func (Decider) Pay(now time.Time, s State, in Pay) PayDecision {
	return AcceptPay(Paid{AmountCents: in.AmountCents, PaidAt: now})
}`,
		Form: Methods,
	})

	VetIgnore = define("IF2015", Rule{
		Title: "A comment that suppresses nothing, or gives no reason",
		Why: `
A finding of vet is suppressed by a comment at the end of its line, or alone on the line above, that names the pass and says why. A
comment that suppresses nothing is reported, so that none is left behind when the code below it changes.`,
		Wrong: `
func (Decider) Pay(now time.Time, s State, in Pay) PayDecision {
	return AcceptPay(Paid{AmountCents: in.AmountCents, PaidAt: now}) //ironflow:ignore clock the time of the test
}`,
		Right: `
func (Decider) Pay(now time.Time, s State, in Pay) PayDecision {
	//ironflow:ignore clock how long it takes is logged, and decides nothing
	began := time.Now()
	slog.Debug("decided", "took", time.Since(began)) //ironflow:ignore clock as above
	return AcceptPay(Paid{AmountCents: in.AmountCents, PaidAt: now})
}`,
		Form: Methods,
	})
)
