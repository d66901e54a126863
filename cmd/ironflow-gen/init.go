package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/ironflow-gen/ironflow/gen/generate/buildinfo"
	"github.com/ironflow-gen/ironflow/gen/generate/starter"
)

// initFlags are the flags of init.
type initFlags struct {
	dir        string
	module     string
	form       string
	skipModule bool
}

func initCommand() command {
	return command{
		name:    "init",
		args:    "NAME",
		summary: "make a new package with a sample workflow that is ready to run",
		details: `
Makes the package NAME in the directory of that name: a sample declaration, in YAML or as annotated Go types, the code generated
from it, a decider and a handler with their tests, and a main.go that runs the workflow on the embedded store. It is written as
main.go in the current directory, or as cmd/NAME/main.go if that directory has Go files already. Existing files are never
overwritten.

It also prepares the module: it makes a go.mod if there is none, requires ironflow, and adds ironflow-gen as a tool. For this it
calls the go command, which may download modules.

Examples:
  ironflow-gen init orders
  ironflow-gen init -form go orders                       annotated Go types in place of YAML
  ironflow-gen init -dir ~/src/shop -module example.com/shop orders
  go run github.com/ironflow-gen/ironflow/cmd/ironflow-gen@latest init orders
`,
		docs: []string{"reference/generator.md", "reference/declaration.md"},
		setup: func(flags *flag.FlagSet) func(call) int {
			var f initFlags
			flags.StringVar(&f.dir, "dir", ".", "the module's `directory`, which is made if it is missing")
			flags.StringVar(&f.module, "module", "", "the `path` of a new module, like example.com/shop")
			flags.StringVar(&f.form, "form", string(starter.YAML), "the `form` of the declaration: yaml, or go for annotated types")
			flags.BoolVar(&f.skipModule, "skip-module", false, "do not change go.mod, and print the commands to run instead")
			return func(c call) int { return runInit(c, f) }
		},
	}
}

func runInit(c call, flags initFlags) int {
	if len(c.args) != 1 {
		return c.usageError("init takes the name of the new package, as in: ironflow-gen init orders")
	}
	name := c.args[0]
	if err := starter.CheckName(name); err != nil {
		return c.usageError("%v", err)
	}
	if err := starter.CheckForm(flags.form); err != nil {
		return c.usageError("%v", err)
	}
	module, err := starter.FindModule(flags.dir, name, flags.module)
	if err != nil {
		return c.failed(err)
	}
	pkg, err := starter.New(flags.dir, name, module.ImportPath(), starter.Form(flags.form))
	if err != nil {
		return c.failed(err)
	}
	if err := pkg.Plan.Apply(); err != nil {
		return c.failed(err)
	}
	for _, step := range pkg.Plan.Steps {
		c.printStep(step, false, true)
	}
	var left []starter.Command
	if flags.skipModule {
		if left, err = module.Commands(buildinfo.Current()); err != nil {
			fmt.Fprintln(c.errOut, err) // the user has left go.mod to themselves
		}
	} else if err := c.prepare(module); err != nil {
		return c.failed(err)
	}
	if join, needed := module.JoinWorkspace(); needed {
		fmt.Fprintf(c.out, "%s, so \"%s\" is among the commands below\n", join.Why, join)
		left = append([]starter.Command{join}, left...)
	}
	c.printNext(flags.dir, left, pkg)
	return exitOK
}

// prepare prepares the module. The files of the package stay even if that fails.
func (c call) prepare(module *starter.Module) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := module.Prepare(ctx, buildinfo.Current(), func(cmd starter.Command) {
		if cmd.Why != "" {
			fmt.Fprintf(c.out, "%s:\n", cmd.Why)
		}
		fmt.Fprintln(c.out, cmd)
	})
	if err != nil {
		return fmt.Errorf("%w\n\nThe files above are complete; only the module is not prepared", err)
	}
	before, now, err := module.GoVersion()
	if err == nil && before != now {
		fmt.Fprintf(c.out, "go.mod had go %s and now has go %s, which ironflow needs\n", before, now)
	}
	return err
}

// printNext prints the next steps, beginning with the commands that were left to the user.
func (c call) printNext(dir string, left []starter.Command, pkg *starter.Package) {
	fmt.Fprint(c.out, "\nTry it:\n")
	if dir != "." {
		fmt.Fprintf(c.out, "  cd %s\n", starter.Quote(dir))
	}
	for _, cmd := range left {
		fmt.Fprintf(c.out, "  %s\n", cmd)
	}
	fmt.Fprintf(c.out, "  go run %s\n  go test ./...\n\n", pkg.Program)
	fmt.Fprintf(c.out, "Then change %s, and run:\n  go generate ./...\n", pkg.Declaration)
	fmt.Fprint(c.out, "The sample is complete. After you change the declaration, add stubs of new methods with \"go tool ironflow-gen -stubs ./...\":\n"+
		"they fail when they are called, and \"go test\" lists them and fails, until you have written the methods.\n")
}
