// Command ironflow-postgres prints the SQL of ironflow's PostgreSQL store for those who run it themselves: migrations, and roles
// with no more privileges than they need.
//
//	go run github.com/ironflow-gen/ironflow/runtime/postgres/cmd/ironflow-postgres migrations > db/migrations/0001_ironflow.up.sql
//	go run github.com/ironflow-gen/ironflow/runtime/postgres/cmd/ironflow-postgres roles | psql shop
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

func main() { os.Exit(Run(os.Args[1:], os.Stdout, os.Stderr)) }

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

const usage = `ironflow-postgres prints the SQL of ironflow's PostgreSQL store.

	ironflow-postgres migrations [-schema NAME] [-after VERSION]
	ironflow-postgres roles [-schema NAME] [-owner ROLE] [-worker ROLE] [-reader ROLE]

Run "ironflow-postgres COMMAND -h" for the flags of a command.
`

var commands = map[string]func(flags *flag.FlagSet) func(out io.Writer) error{
	"migrations": migrationsCommand,
	"roles":      rolesCommand,
}

// Run is the whole program: it takes the arguments without the program's name, and returns the exit code.
func Run(args []string, out, errOut io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(errOut, usage)
		return exitUsage
	}
	setup, ok := commands[args[0]]
	if !ok {
		if args[0] == "help" || args[0] == "-h" || args[0] == "-help" || args[0] == "--help" {
			fmt.Fprint(out, usage)
			return exitOK
		}
		fmt.Fprintf(errOut, "ironflow-postgres: there is no command %q\n\n%s", args[0], usage)
		return exitUsage
	}
	flags := flag.NewFlagSet("ironflow-postgres "+args[0], flag.ContinueOnError)
	flags.SetOutput(errOut)
	run := setup(flags)
	if err := flags.Parse(args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitOK
		}
		return exitUsage
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(errOut, "ironflow-postgres: unexpected argument %q\n", flags.Arg(0))
		return exitUsage
	}
	if err := run(out); err != nil {
		fmt.Fprintf(errOut, "ironflow-postgres: %v\n", err)
		return exitFailed
	}
	return exitOK
}

func migrationsCommand(flags *flag.FlagSet) func(out io.Writer) error {
	schema := flags.String("schema", postgres.DefaultSchema, "schema of the tables, as in postgres.WithSchema")
	after := flags.Int("after", 0, "version that the schema has already; only what comes after it is printed")
	return func(out io.Writer) error {
		files, err := postgres.Migrations(postgres.WithSchema(*schema))
		if err != nil {
			return err
		}
		names, err := fs.Glob(files, "*.up.sql") // in the order of their versions, which count from 1
		if err != nil {
			return err
		}
		if *after < 0 || *after >= len(names) {
			return fmt.Errorf("there is no migration after version %d; the newest version is %d", *after, len(names))
		}
		for _, name := range names[*after:] {
			script, err := fs.ReadFile(files, name)
			if err == nil {
				_, err = fmt.Fprintf(out, "-- ironflow %s\n\n%s", name, script)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
}

func rolesCommand(flags *flag.FlagSet) func(out io.Writer) error {
	schema := flags.String("schema", postgres.DefaultSchema, "schema of the tables, as in postgres.WithSchema")
	var roles postgres.Roles
	flags.StringVar(&roles.Owner, "owner", "", "role that owns the tables (default: the schema's name with _owner)")
	flags.StringVar(&roles.Worker, "worker", "", "role that runs engines (default: the schema's name with _worker)")
	flags.StringVar(&roles.Reader, "reader", "", "role that only reads (default: the schema's name with _reader)")
	return func(out io.Writer) error {
		script, err := postgres.RolesScript(roles, postgres.WithSchema(*schema))
		if err == nil {
			_, err = io.WriteString(out, script)
		}
		return err
	}
}
