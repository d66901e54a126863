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
			name: "health", does: "shows figures about the store; exit code 1 if something needs an operator", arity: none, run: health,
			examples: []string{"health -store postgres://app@db/app"},
		},
		{
			name: "stuck", does: "lists what does not continue by itself, and why; exit code 1 if it finds something", arity: none, run: stuck,
			flags: func(f *flag.FlagSet, o *options) {
				workflowFlag(f, o)
				limitFlag(f, o)
				f.DurationVar(&o.since, "for", time.Minute, "leave out what has changed or become due within this time; default: 1m")
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
		{
			name: "find", arguments: "FIELD=VALUE | KEY | ID", arity: one, run: findInstances,
			does: "finds instances by the value of a search field; with -key, by a unique key; with -id, by the beginning of their ids",
			flags: func(f *flag.FlagSet, o *options) {
				workflowFlag(f, o)
				limitFlag(f, o)
				f.BoolVar(&o.byKey, "key", false, "the argument is the unique key that an active instance holds")
				f.BoolVar(&o.byID, "id", false, "the argument is the beginning of the ids")
			},
			examples: []string{"find -store app.db email=ada@example.com", "find -store app.db -workflow order -key cart-17", "find -store app.db -id o-1"},
		},
		{
			name: "count", does: "counts instances by workflow and status", arity: none, run: count,
			flags: func(f *flag.FlagSet, o *options) {
				filterFlags(f, o)
				f.IntVar(&o.newest, "newest", 0, "count only the `number` newest active and completed instances of -workflow, which takes no longer for millions")
			},
			examples: []string{"count -store app.db -active", "count -store app.db -workflow order -newest 10000"},
		},
		{
			name: "show", arguments: "WORKFLOW/ID", does: "describes an instance: its status, the inputs it accepts, and its effects and timers", arity: one, run: show,
			flags: func(f *flag.FlagSet, o *options) {
				f.BoolVar(&o.dot, "dot", false, "print the state machine for Graphviz, with the instance's state marked")
			},
			examples: []string{"show -store app.db order/o-17"},
		},
		{
			name: "history", arguments: "WORKFLOW/ID", does: "lists the events of an instance", arity: one, run: history,
			flags: func(f *flag.FlagSet, o *options) {
				f.Int64Var(&o.after, "after", 0, "only events after this `version`")
				f.BoolVar(&o.payload, "payload", false, "also print the payloads")
				countFlag(f, o)
			},
			examples: []string{"history -store app.db order/o-17", "history -store app.db -json -payload -after 3 order/o-17"},
		},
		{
			name: "watch", arguments: "WORKFLOW/ID", arity: one, lasts: true, run: watch,
			does: "prints the events of an instance as they are stored, until it has completed; exit code 1 if that is not so within -timeout",
			flags: func(f *flag.FlagSet, o *options) {
				f.Int64Var(&o.after, "after", 0, "only events after this `version`")
				f.BoolVar(&o.payload, "payload", false, "also print the payloads")
			},
			examples: []string{"watch -store app.db order/o-17", "watch -store app.db -json -payload order/o-17"},
		},
		{
			name: "why", arguments: "WORKFLOW/ID [VERSION] | KEY", arity: [2]int{1, 2}, run: why,
			does:     "explains the decision of a version (default: the newest), or of the effect with an idempotency key",
			examples: []string{"why -store app.db order/o-17", "why -store app.db order/o-17 3", "why -store app.db order/o-17/3/0"},
		},
		{
			name: "dead", does: "lists dead letters, the newest first", arity: none, run: dead,
			flags: func(f *flag.FlagSet, o *options) {
				deadFlags(f, o)
				limitFlag(f, o)
				f.BoolVar(&o.groups, "groups", false, "list groups of one kind and one error, with how many dead letters each has")
				f.BoolVar(&o.told, "told", false, "only dead letters that the instances were told of; default: only the others")
			},
			examples: []string{"dead -store app.db -groups", "dead -store app.db -workflow order -error 'connection refused'"},
		},
		{
			name: "retry", does: "puts the dead letters that the flags select back into the queue; effects run even if their instance has completed", arity: none, writes: true, run: retry, flags: decideFlags,
			examples: []string{"retry -store app.db -write -reason 'the bank is back' -workflow order -kind ChargeCard -error 'connection refused'", "retry -store app.db -dry-run -group 1f0c5a7e22"},
		},
		{
			name: "discard", does: "deletes the dead letters that the flags select, for good; their instances receive no input", arity: none, writes: true, run: discard,
			flags: decideFlags, examples: []string{"discard -store app.db -write -reason 'the shop closed' -workflow order -kind SendReceipt"},
		},
		{
			name: "pause", arguments: "WORKFLOW", does: "stops the effects, timers and schedules of a workflow until resume", arity: one, writes: true, run: pause,
			flags: func(f *flag.FlagSet, o *options) {
				f.BoolVar(&o.refuse, "refuse-inputs", false, "also refuse inputs of clients")
			},
			examples: []string{"pause -store app.db -write -reason 'the bank is down' order"},
		},
		{
			name: "resume", arguments: "WORKFLOW", does: "ends the pause of a workflow", arity: one, writes: true, run: resume,
			examples: []string{"resume -store app.db -write -reason 'the bank is back' order"},
		},
		{
			name: "forget", arguments: "SUBJECT", does: "erases the personal data of a subject by deleting its key; there is no way back", arity: one, writes: true, run: forget,
			examples: []string{"forget -store app.db -write -reason 'request 812' c-7", "forget -store app.db -write -reason 'request 813' order/o-17"},
		},
		{
			name: "projections", arguments: "[CHANGE NAME [EVENT]]", arity: [2]int{0, 3}, mayWrite: true, run: projections,
			choices:  []string{"pause", "resume", "rebuild", "skip"},
			examples: []string{"projections -store app.db", "projections -store app.db -write -reason 'event 4711 has no total' skip orders 4711"},
			does:     "lists projections; with -write, changes one: pause, resume, rebuild, or skip, which needs EVENT",
		},
		{
			name: "send", arguments: "WORKFLOW INPUT", arity: [2]int{2, 2}, writes: true, remote: true, run: send,
			does: "sends an input, as JSON from standard input, to a running program's operator handler; " + authorizationVariable + " is sent as the header Authorization",
			flags: func(f *flag.FlagSet, o *options) {
				f.StringVar(&o.server, "server", "", "the `address` of the operator handler, such as https://shop.example/operator")
				f.StringVar(&o.inputID, "id", "", "an `id` of the input, under which it is safe to send it again")
			},
			examples: []string{`send -server https://shop.example/operator -write -reason 'paid in cash' order MarkPaid <<<'{"order_id": "o-17"}'`},
		},
		{
			name: "bulk", arguments: "WORKFLOW INPUT", arity: [2]int{2, 2}, mayWrite: true, lasts: true, remote: true, run: bulk,
			does: "asks a running program what an input, as JSON from standard input with an empty id, would lead to in all active instances that the flags select; with -write, sends it to them",
			flags: func(f *flag.FlagSet, o *options) {
				f.StringVar(&o.server, "server", "", "the `address` of the operator handler, such as https://shop.example/operator")
				f.StringVar(&o.inputID, "id", "", "a `name` of your choice for the run; the same name continues a run that ended early")
				f.StringVar(&o.status, "status", "", "only in this `status`")
				f.TextVar(&o.createdBefore, "created-before", time.Time{}, "only instances that were created before this `time`, such as 2026-12-01T08:00:00Z")
				f.TextVar(&o.updatedBefore, "updated-before", time.Time{}, "only instances without an event since this `time`")
				f.Float64Var(&o.rate, "rate", 0, "how many inputs to send a second at most; default: no limit")
				f.IntVar(&o.limit, "limit", 10_000, "without -write, how many instances to ask, the newest first; 0 means all; default: 10000")
			},
			examples: []string{
				`bulk -server https://shop.example/operator -status awaiting_payment order PaymentFailed <<<'{"order_id": "", "reason": "the shop closed"}'`,
				`bulk -server https://shop.example/operator -status awaiting_payment -write -reason 'the shop closed' -id close-2026-12 -rate 200 order PaymentFailed <input.json`,
			},
		},
		{
			name: "schedules", arguments: "[CHANGE WORKFLOW/NAME]", arity: [2]int{0, 2}, mayWrite: true, run: schedules, flags: workflowFlag,
			choices:  []string{"pause", "resume", "trigger"},
			does:     "lists schedules; with -write, changes one: pause, resume, or trigger, which makes it fire now",
			examples: []string{"schedules -store app.db", "schedules -store app.db -write -reason 'holidays' pause report/nightly"},
		},
		{
			name: "audit", does: "lists what operators did, the newest first", arity: none, run: auditLog,
			flags: func(f *flag.FlagSet, o *options) {
				workflowFlag(f, o)
				limitFlag(f, o)
				f.StringVar(&o.audit.By, "by", "", "only what this `person` or program did")
				f.StringVar(&o.audit.Operation, "operation", "", "only this `operation`, such as retry or pause")
				f.StringVar(&o.audit.Target, "target", "", "only what was done to this `target`, such as an instance's id")
			},
			examples: []string{"audit -store app.db -workflow order -by ann"},
		},
		{
			name: "programs", does: "lists the programs that run on the store, or ran on it recently", arity: none, run: programs,
			examples: []string{"programs -store app.db"},
		},
		{
			name: "console", arity: none, serves: true, run: serveConsole,
			does: "serves the console, pages for a browser on this computer; with -write they can also change the store",
			flags: func(f *flag.FlagSet, o *options) {
				f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "the `address` to listen on, of this computer only; port 0 takes a free one; default: 127.0.0.1:8080")
				f.StringVar(&o.by, "by", "", "`who` makes changes; default: the name of the user")
				f.StringVar(&o.server, "server", "", "the `address` of the operator handler of a running program; with -write, forms send inputs to it, as send does")
			},
			examples: []string{
				"console -store postgres://app@db/app", "console -store app.db -write -listen 127.0.0.1:9000",
				"console -store app.db -write -server https://shop.example/operator",
			},
		},
		{
			name: "export", arguments: "[WORKFLOW/ID ...]", does: "writes the named instances, or those that the flags select, as JSON lines", arity: [2]int{0, 1 << 20}, run: export, flags: filterFlags,
			examples: []string{"export -store app.db order/o-17 >o-17.jsonl"},
		},
		{
			name: "import", does: "reads instances as JSON lines from standard input, and stores them", arity: none, writes: true, run: importLines,
			flags: func(f *flag.FlagSet, o *options) {
				f.BoolVar(&o.skipExisting, "skip-existing", false, "skip instances whose events the store already has")
				f.BoolVar(&o.withoutDeliveries, "without-deliveries", false, "leave out waiting effects and timers, and dead letters, so that the import causes no deliveries")
			},
			examples: []string{"import -store copy.db -write -reason 'to look at o-17' -without-deliveries <o-17.jsonl"},
		},
		{
			name: "migrate", does: "with -write, makes the tables or brings them to the version of this command; without, exit code 1 if that is needed", arity: none,
			remote: true, run: migrate, examples: []string{"migrate -store postgres://owner@db/app", "migrate -store postgres://owner@db/app -write"},
		},
		{
			name: "completion", arguments: "SHELL", does: "prints the script that completes commands and flags in bash, fish or zsh", arity: one, remote: true,
			run: completion, choices: []string{"bash", "fish", "zsh"}, examples: []string{"completion bash >/etc/bash_completion.d/ironflow"},
		},
	}
}

func workflowFlag(f *flag.FlagSet, o *options) {
	f.StringVar(&o.workflow, "workflow", "", "only of this `workflow`")
}

func countFlag(f *flag.FlagSet, o *options) {
	f.IntVar(&o.limit, "limit", 100, "how many rows to print at most; default: 100")
}

func limitFlag(f *flag.FlagSet, o *options) {
	countFlag(f, o)
	f.StringVar(&o.cursor, "cursor", "", "continue the previous list: the `cursor` that it printed")
}

func filterFlags(f *flag.FlagSet, o *options) {
	workflowFlag(f, o)
	f.StringVar(&o.status, "status", "", "only in this `status`")
	f.BoolVar(&o.active, "active", false, "only instances that have not completed")
	f.BoolVar(&o.completed, "completed", false, "only instances that have completed")
}

func decideFlags(f *flag.FlagSet, o *options) {
	deadFlags(f, o)
	f.StringVar(&o.group, "group", "", "only of this `group`, as dead -groups prints it")
	f.BoolVar(&o.dryRun, "dry-run", false, "change nothing; list the groups that the flags select")
}

func deadFlags(f *flag.FlagSet, o *options) {
	workflowFlag(f, o)
	f.StringVar(&o.kind, "kind", "", "only of this `kind`: the effect, or the input of the timer")
	f.StringVar(&o.queue, "queue", "", "only of this `queue`: effects or timers")
	f.StringVar(&o.contains, "error", "", "only with this `text` in the error")
}
