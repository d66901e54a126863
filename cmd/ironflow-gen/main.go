// Command ironflow-gen generates Go code from workflow declarations. "ironflow-gen help" says how.
package main

import "os"

func main() {
	if isVetTool(os.Args[1:]) {
		serveVet()
	}
	os.Exit(Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
