package main

import (
	"flag"
	"time"
)

// commands are all words of the command line, in the order of "ironflow help".
var commands []command

func init() { // not in the declaration, because help looks at commands
	one, none := [2]int{1, 1}, [2]int{0, 0}
	commands = []command{
		{
			name: "health", does: "says how the store is doing; exit code 1 when something needs somebody", arity: none, run: health,
			examples: []string{"health -store postgres://app@db/app"},
		},
		{
			name: "stuck", does: "finds what does not go on by itself, and says why; exit code 1 when there is something", arity: none, run: stuck,
			flags: func(f *flag.FlagSet, o *options) {
				workflowFlag(f, o)
				limitFlag(f, o)
				f.DurationVar(&o.since, "for", time.Minute, "how long nothing must have happened")
			},
			examples: []string{"stuck -store app.db -workflow order -for 72h"},
		},
		{
			name: "list", does: "lists instances, the newest first", arity: none, run: list,
			flags: func(f *flag.FlagSet, o *options) {
				filterFlags(f, o)
				limitFlag(f, o)
			},
			examples: []string{"list -store app.db -workflow order -active -status awaiting_payment"},
		},
		{name: "count", does: "counts instances by workflow and status", arity: none, run: count, flags: filterFlags},
		{
			name: "show", arguments: "WORKFLOW/ID", does: "describes an instance: its status, what it accepts, and what waits for it", arity: one, run: show,
			flags: func(f *flag.FlagSet, o *options) {
				f.BoolVar(&o.dot, "dot", false, "print the state machine in the language of Graphviz, with the instance's state marked")
			},
			examples: []string{"show -store app.db order/o-17"},
		},
		{
			name: "history", arguments: "WORKFLOW/ID", does: "lists the events of an instance", arity: one, run: history,
			flags: func(f *flag.FlagSet, o *options) {
				f.Int64Var(&o.after, "after", 0, "begin after a `version`")
				f.BoolVar(&o.payload, "payload", false, "print the payloads, too")
				limitFlag(f, o)
			},
		},
		{
			name: "why", arguments: "WORKFLOW/ID [VERSION] | KEY", arity: [2]int{1, 2}, run: why,
			does:     "explains the newest decision of an instance, that of a version, or what became of the effect of an idempotency key",
			examples: []string{"why -store app.db order/o-17", "why -store app.db order/o-17 3", "why -store app.db order/o-17/3/0"},
		},
		{
			name: "dead", does: "lists dead letters, the last one first", arity: none, run: dead,
			flags: func(f *flag.FlagSet, o *options) {
				deadFlags(f, o)
				limitFlag(f, o)
				f.BoolVar(&o.told, "told", false, "those that their instances were told of")
			},
		},
		{
			name: "retry", does: "retries the dead letters that the flags select", arity: none, writes: true, run: retry, flags: deadFlags,
			examples: []string{"retry -store app.db -write -workflow order -kind ChargeCard -error 'connection refused'"},
		},
		{
			name: "discard", does: "discards the dead letters that the flags select", arity: none, writes: true, run: discard,
			flags: func(f *flag.FlagSet, o *options) {
				deadFlags(f, o)
				byFlags(f, o)
			},
		},
		{
			name: "pause", arguments: "WORKFLOW", does: "lets the effects, timers and schedules of a workflow wait", arity: one, writes: true, run: pause,
			flags: func(f *flag.FlagSet, o *options) {
				byFlags(f, o)
				f.BoolVar(&o.refuse, "refuse-inputs", false, "refuse inputs of clients, too")
			},
			examples: []string{"pause -store app.db -write -reason 'the bank is down' order"},
		},
		{name: "resume", arguments: "WORKFLOW", does: "ends the pause of a workflow", arity: one, writes: true, run: resume},
		{
			name: "projections", arguments: "[pause|resume|rebuild NAME | skip NAME EVENT]", arity: [2]int{0, 3}, run: projections,
			does: "lists projections, or gives one an order, which needs -write",
		},
		{name: "programs", does: "lists the programs that run on the store, or ran lately", arity: none, run: programs},
		{
			name: "export", arguments: "[WORKFLOW/ID ...]", does: "writes instances as JSON lines", arity: [2]int{0, 1 << 20}, run: export, flags: filterFlags,
			examples: []string{"export -store app.db order/o-17 >o-17.jsonl"},
		},
		{
			name: "import", does: "stores the instances that it reads as JSON lines", arity: none, writes: true, run: importLines,
			flags: func(f *flag.FlagSet, o *options) {
				f.BoolVar(&o.skipExisting, "skip-existing", false, "pass over instances that the store has with the same history")
				f.BoolVar(&o.withoutDeliveries, "without-deliveries", false, "leave out effects, timers and dead letters, so that nothing happens by the import")
			},
			examples: []string{"import -store copy.db -write -without-deliveries <o-17.jsonl"},
		},
	}
}

func workflowFlag(f *flag.FlagSet, o *options) {
	f.StringVar(&o.workflow, "workflow", "", "only of this `workflow`")
}

func limitFlag(f *flag.FlagSet, o *options) {
	f.IntVar(&o.limit, "limit", 100, "how many are printed at most")
	f.StringVar(&o.cursor, "cursor", "", "go on where the list before ended: the `cursor` that it printed")
}

func filterFlags(f *flag.FlagSet, o *options) {
	workflowFlag(f, o)
	f.StringVar(&o.status, "status", "", "only in this `status`")
	f.BoolVar(&o.active, "active", false, "only instances that have not completed")
	f.BoolVar(&o.completed, "completed", false, "only instances that have completed")
}

func deadFlags(f *flag.FlagSet, o *options) {
	workflowFlag(f, o)
	f.StringVar(&o.kind, "kind", "", "only of this `kind`: the effect, or the input of the timer")
	f.StringVar(&o.queue, "queue", "", "effects or timers")
	f.StringVar(&o.contains, "error", "", "only with this `text` in the error")
}

func byFlags(f *flag.FlagSet, o *options) {
	f.StringVar(&o.by, "by", "", "`who` does it; default: the name of the user")
	f.StringVar(&o.reason, "reason", "", "why")
}
