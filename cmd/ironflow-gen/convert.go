package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ironflow-gen/ironflow/gen/convert"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

func convertCommand() command {
	return command{
		name:    "convert",
		args:    "[path]",
		summary: "convert a declaration from YAML to annotated Go types, or back",
		details: `
Prints a declaration in the other form: a declaration in YAML as annotated Go types, and annotated Go types as YAML. Both mean
the same. The path is a declaration or its directory; without one it is the current directory.

A package has one declaration, so replace the old one: write the new one beside it with -o, remove the old one, and run
"ironflow-gen generate". After that the types are yours, or generated, as the form says. Comments in YAML are not converted, nor
is Go code that is not part of the declaration. See docs/reference/annotated-go.md.

Examples:
  ironflow-gen convert order.ironflow.yaml
  ironflow-gen convert -o orders/orders.go orders/orders.ironflow.yaml
  ironflow-gen convert -o orders/orders.ironflow.yaml orders
`,
		docs:      []string{"reference/annotated-go.md"},
		diagnoses: true,
		setup: func(flags *flag.FlagSet) func(call) int {
			output := flags.String("o", "", "the `file` to write, which must not exist, instead of standard output")
			return func(c call) int { return runConvert(c, *output) }
		},
	}
}

func runConvert(c call, output string) int {
	w, exit := c.load("convert takes one declaration at a time")
	if w == nil {
		return exit
	}
	other := convert.Go
	if w.Form == spec.Go {
		other = convert.YAML
	}
	text, err := other(w)
	if err != nil {
		return c.failed(err)
	}
	if output == "" || output == "-" {
		return c.write(output, text)
	}
	if err := writeNew(output, text); err != nil {
		return c.failed(err)
	}
	fmt.Fprintf(c.out, "wrote %s\n", output)
	if filepath.Dir(output) == filepath.Dir(w.File) {
		what := "remove " + w.File
		if w.Form == spec.Go {
			what = "remove the types that it declares from the Go files"
		}
		fmt.Fprintf(c.out, "%s, and run \"ironflow-gen\": a package has one declaration\n", what)
	}
	return exitOK
}

// writeNew writes a file that does not exist.
func writeNew(name string, content []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already and is not overwritten; remove it, or name another file", name)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
