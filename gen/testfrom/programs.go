package testfrom

import (
	"strings"

	"github.com/ironflow-gen/ironflow/gen/internal/program"
)

// exportProgram reads a history from a store. Its arguments are the store, the workflow and the id. It prints nothing for an instance that does
// not exist.
func exportProgram(name, schema string) []byte {
	imports, open := program.OpenStore(name, schema)
	imports = append(imports, `"fmt"`, `"os"`, `"`+program.Library+`/transfer"`)
	return []byte(`package main

import (
	` + strings.Join(imports, "\n\t") + `
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	st, closeStore, err := open(ctx, args[0])
	if err != nil {
		return err
	}
	_, err = transfer.Export(ctx, st, os.Stdout, transfer.ExportOptions{Instances: []store.InstanceKey{{Workflow: args[1], ID: args[2]}}})
	if _, unknown := errors.AsType[*store.UnknownInstance](err); unknown {
		err = nil
	}
	return errors.Join(err, closeStore())
}
` + open)
}
