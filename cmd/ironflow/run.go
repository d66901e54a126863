package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Exit codes.
const (
	exitOK    = 0
	exitFound = 1 // something is stuck or wrong, or what was asked for is not there
	exitUsage = 2
	exitStore = 3 // the store could not be opened or read
)

// command is what a word of the command line runs.
type command struct {
	name, arguments, does string
	choices               []string // first words of the arguments, for completion
	examples              []string
	writes                bool // it changes the store, and needs -write
	lasts                 bool // it goes on until something happens
	mayWrite              bool // it changes the store if it has arguments
	remote                bool // it needs no open store
	serves                bool // it goes on until it is interrupted
	arity                 [2]int
	flags                 func(*flag.FlagSet, *options)
	run                   func(ctx context.Context, c *call) (code int, err error)
}

// options are the values of all flags; each command has some of them.
type options struct {
	store, schema         string
	json, write           bool
	timeout               time.Duration
	workflow, status      string
	active, completed     bool
	limit, newest         int
	cursor                string
	since                 time.Duration
	after                 int64
	payload               bool
	kind, queue, contains string
	told, groups, dryRun  bool
	group                 string
	by, reason            string
	server, inputID       string
	audit                 store.AuditFilter
	refuse, skipExisting  bool
	withoutDeliveries     bool
	dot                   bool
	byKey, byID           bool
	listen                string
	rate                  float64

	createdBefore, updatedBefore time.Time
}

// call is one run of a command.
type call struct {
	options
	args  []string
	in    io.Reader
	out   io.Writer
	errs  io.Writer
	store store.Store
	admin *admin.Admin
	now   time.Time
}

// Run runs the command line and returns the exit code.
func Run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(errs, overview())
		return exitUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		if len(args) > 1 {
			if c := find(args[1]); c != nil {
				fmt.Fprint(out, c.help())
				return exitOK
			}
			fmt.Fprintf(errs, "ironflow: there is no command %q\n", args[1])
			return exitUsage
		}
		fmt.Fprint(out, overview())
		return exitOK
	}
	c := find(args[0])
	if c == nil {
		fmt.Fprintf(errs, "ironflow: there is no command %q; \"ironflow help\" lists them\n", args[0])
		return exitUsage
	}
	code, err := c.call(ctx, args[1:], in, out, errs)
	if err != nil {
		fmt.Fprintf(errs, "ironflow: %s\n", strings.TrimPrefix(err.Error(), "ironflow: "))
	}
	return code
}

// call parses the flags of the command, which may stand before and after its arguments, opens the store, and runs.
func (c *command) call(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) (int, error) {
	k := &call{in: in, out: out, errs: errs, now: time.Now()}
	flags := c.flagSet(&k.options)
	for {
		err := flags.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(out, c.help())
			return exitOK, nil
		}
		if err != nil {
			return exitUsage, fmt.Errorf("%s: %w; \"ironflow help %[1]s\" lists the flags", c.name, err)
		}
		if args = flags.Args(); len(args) == 0 {
			break
		}
		k.args, args = append(k.args, args[0]), args[1:]
	}
	if n := len(k.args); n < c.arity[0] || n > c.arity[1] {
		return exitUsage, fmt.Errorf("%s takes %s, and got %d arguments\n%s", c.name, cmp.Or(c.arguments, "no argument"), n, c.usage())
	}
	if c.writes && !k.write && !k.dryRun {
		return exitUsage, fmt.Errorf("%s changes the store; add -write if you mean it", c.name)
	}
	if k.by == "" {
		k.by = whoAmI()
	}
	if k.write && !k.dryRun && c.changes(k) {
		if strings.TrimSpace(k.reason) == "" {
			return exitUsage, fmt.Errorf("%s needs -reason, which the audit log keeps", c.name)
		}
		ctx = store.WithOperator(ctx, store.Operator{By: k.by, Reason: k.reason})
	}
	if k.timeout > 0 || !c.serves {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, k.timeout)
		defer cancel()
	}
	code, err := c.runOn(ctx, k)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("%w; the command did not end within -timeout %s", err, k.timeout)
	}
	return code, err
}

// changes reports whether a call changes the store.
func (c *command) changes(k *call) bool { return c.writes || c.mayWrite && len(k.args) > 0 }

// runOn opens the store and runs.
func (c *command) runOn(ctx context.Context, k *call) (int, error) {
	if !c.remote {
		closeStore, err := k.open(ctx)
		if err != nil {
			return codeOf(err), err
		}
		defer closeStore()
	}
	code, err := c.run(ctx, k)
	if err != nil && code == exitOK {
		code = codeOf(err)
	}
	return code, err
}

// codeOf tells what is not there, and what was asked for wrongly, from a store that does not answer.
func codeOf(err error) int {
	for _, wrong := range []func(error) bool{is[*store.InvalidArgument], is[*store.InvalidIdentifier], is[*usageError]} {
		if wrong(err) {
			return exitUsage
		}
	}
	for _, missing := range []func(error) bool{
		is[*store.UnknownInstance], is[*store.UnknownVersion], is[*store.UnknownDelivery], is[*store.UnknownProjection], is[*admin.UnknownWorkflow],
		is[*admin.UnknownSchedule],
	} {
		if missing(err) {
			return exitFound
		}
	}
	return exitStore
}

func is[T error](err error) bool {
	_, found := errors.AsType[T](err)
	return found
}

// usageError is a mistake of the command line.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// whoAmI names who runs the command, for what is recorded.
func whoAmI() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return os.Getenv("USER")
}

// instance reads the argument WORKFLOW/ID. An id may have slashes, the name of a workflow has none.
func instance(arg string) (store.InstanceKey, error) {
	workflow, id, found := strings.Cut(arg, "/")
	if !found || workflow == "" || id == "" {
		return store.InstanceKey{}, &usageError{fmt.Sprintf("%q names no instance; write WORKFLOW/ID, such as order/o-17", arg)}
	}
	return store.InstanceKey{Workflow: workflow, ID: id}, nil
}
