// Command mutation says how much of a decider and an evolver the tests of their package notice: it changes one place after the other in
// decider.go, runs the tests with each change, and prints the changes that no test notices.
//
//	go run ./bench/mutation ./examples/order/order ./examples/subscription/subscription
//
// With -checks it does the same with the checks that keep histories whole, and with those of leases: it takes each away, and runs the tests of
// its package. So it shows that the rules of the stores stand in storetest.
//
//	go run ./bench/mutation -checks               some ten minutes
//	go run ./bench/mutation -checks -only sqlite  those whose name has the text
//
// The files themselves stay as they are. A change that does not compile does not count. The exit code of -checks is 1 when no test notices that
// a check is missing.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	all := flag.Bool("checks", false, "take the checks of the stores and of leases away, one after the other")
	only := flag.String("only", "", "with -checks: those whose name has the `text`")
	flag.Parse()
	err := run(ctx, flag.Args())
	if *all {
		err = runChecks(ctx, *only)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutation:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, packages []string) error {
	var noticed, all int
	for _, dir := range packages {
		file, err := filepath.Abs(filepath.Join(dir, "decider.go"))
		if err != nil {
			return err
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		list, err := mutations(source)
		if err != nil {
			return err
		}
		n, of := 0, 0
		for _, m := range list {
			switch result, err := try(ctx, dir, file, m.apply(source), "-short"); {
			case err != nil:
				return err
			case result == broken:
			case result == failed:
				n, of = n+1, of+1
			default:
				of++
				fmt.Printf("%s:%d: no test notices %s\n", filepath.Join(dir, "decider.go"), m.line, m.what)
			}
		}
		fmt.Printf("%s: %d of %d changes are noticed\n", dir, n, of)
		noticed, all = noticed+n, all+of
	}
	if all > 0 {
		fmt.Printf("score: %d %%\n", 100*noticed/all)
	}
	return nil
}

// mutation replaces the bytes from start to end.
type mutation struct {
	start, end int
	text       string
	line       int
	what       string
}

func (m mutation) apply(source []byte) []byte {
	return slices.Concat(source[:m.start], []byte(m.text), source[m.end:])
}

// swapped has the operator that each is changed to.
var swapped = map[token.Token]string{
	token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">", token.EQL: "!=", token.NEQ: "==",
	token.ADD: "-", token.SUB: "+", token.MUL: "+", token.LAND: "||", token.LOR: "&&",
}

// mutations lists the changes of a file, in the order of the file.
func mutations(source []byte) (list []mutation, err error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "decider.go", source, 0)
	if err != nil {
		return nil, err
	}
	offset := func(p token.Pos) int { return files.Position(p).Offset }
	add := func(from, to token.Pos, text, what string) {
		list = append(list, mutation{offset(from), offset(to), text, files.Position(from).Line, what})
	}
	textOf := func(n ast.Node) string { return string(source[offset(n.Pos()):offset(n.End())]) }
	for _, decl := range file.Decls {
		fn, is := decl.(*ast.FuncDecl)
		if !is || fn.Body == nil {
			continue
		}
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if other, has := swapped[n.Op]; has {
					add(n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), other, fmt.Sprintf("%s in place of %s in %s", other, n.Op, textOf(n)))
				}
			case *ast.BasicLit:
				switch n.Kind {
				case token.INT:
					add(n.Pos(), n.End(), "("+n.Value+"+1)", n.Value+"+1")
				case token.STRING:
					add(n.Pos(), n.End(), `"mutated"`, "another text than "+n.Value)
				}
			case *ast.KeyValueExpr:
				add(n.Pos(), n.End(), "", "that there is no "+textOf(n))
			case *ast.CallExpr:
				if method, is := n.Fun.(*ast.SelectorExpr); is && slices.Contains([]string{"Effect", "StartTimer", "CancelTimer", "CancelEffect"}, method.Sel.Name) {
					add(method.X.End(), n.End(), "", "that there is no ."+method.Sel.Name+strings.Join(strings.Fields(textOf(n)[offset(method.Sel.End())-offset(n.Pos()):]), " "))
				}
			case *ast.AssignStmt:
				if n.Tok != token.DEFINE {
					add(n.Pos(), n.End(), "", "that there is no "+textOf(n))
				}
			case *ast.IncDecStmt:
				add(n.Pos(), n.End(), "", "that there is no "+textOf(n))
			case *ast.IfStmt:
				add(n.Cond.Pos(), n.Cond.End(), "!("+textOf(n.Cond)+")", "the opposite of "+textOf(n.Cond))
			}
			return true
		})
	}
	slices.SortStableFunc(list, func(a, b mutation) int { return a.start - b.start })
	return list, nil
}

// result is what the tests say of a change.
type result int

const (
	passed result = iota // no test notices it
	failed
	broken // it does not compile
)

// try runs the tests of a package with another content of a file, and with more arguments.
func try(ctx context.Context, dir, file string, content []byte, args ...string) (result, error) {
	work, err := os.MkdirTemp("", "ironflow-mutation-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(work)
	changed, overlay := filepath.Join(work, filepath.Base(file)), filepath.Join(work, "overlay.json")
	if err := os.WriteFile(changed, content, 0o644); err != nil {
		return 0, err
	}
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{file: changed}})
	if err != nil {
		return 0, err
	}
	if err := os.WriteFile(overlay, text, 0o644); err != nil {
		return 0, err
	}
	limited, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	args = append([]string{"test", "-vet=off", "-timeout=4m", "-overlay=" + overlay, "./" + filepath.Clean(dir)}, args...)
	out, err := exec.CommandContext(limited, "go", args...).CombinedOutput()
	switch {
	case err == nil:
		return passed, nil
	case strings.Contains(string(out), "[build failed]") || strings.Contains(string(out), "[setup failed]"):
		return broken, nil
	}
	return failed, ctx.Err() // a change that keeps tests from ending is noticed, too
}
