package scaffold

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"unicode/utf8"
)

// role is a part that the user's code plays: it implements an interface of the generated code.
type role struct {
	iface string
	name  string // that the skeleton gives the type
	noun  string // of what the methods are for
}

var roles = []role{
	{"InputDecider", deciderType, "input"},
	{"EventEvolver", evolverType, "event"},
	{"EffectHandler", handlerType, "effect"},
	{"VersionUpcaster", upcasterType, "version"},
}

// contract is what generated code asks of the user's: the methods of each interface, by its name. It is read from the
// generated code itself, so that what stubs look like is never at odds with it. An interface that is not generated for the
// workflow is missing.
type contract struct {
	ifaces  map[string][]*ast.Field
	imports map[string]string // of the file that declares them
}

func readContract(generated []Source) (contract, error) {
	c := contract{ifaces: make(map[string][]*ast.Field), imports: make(map[string]string)}
	for _, s := range generated {
		if !bytes.Contains(s.Content, []byte("\ntype "+roles[0].iface+" interface {")) {
			continue
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), s.Path, s.Content, parser.SkipObjectResolution)
		if err != nil {
			return c, fmt.Errorf("reading what was generated: %w", err)
		}
		for _, spec := range syntax.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return c, fmt.Errorf("reading what was generated: %w", err)
			}
			c.imports[importName(spec, path)] = path
		}
		for _, decl := range syntax.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok || gen.Tok != token.TYPE {
				continue
			}
			for _, spec := range gen.Specs {
				t := spec.(*ast.TypeSpec)
				if iface, ok := t.Type.(*ast.InterfaceType); ok {
					c.ifaces[t.Name.Name] = iface.Methods.List
				}
			}
		}
	}
	return c, nil
}

// has reports whether an interface of the contract has a method.
func (c contract) has(iface, method string) bool {
	for _, m := range c.ifaces[iface] {
		if m.Names[0].Name == method {
			return true
		}
	}
	return false
}

// addGenerated notes what a generated file declares. It goes by the lines, because the file is as gofmt writes it, and
// parsing all of them would cost more than generating them.
func (p *Package) addGenerated(s Source) {
	block := false // inside of "const (" or the like
	for line := range bytes.Lines(s.Content) {
		text := string(line)
		switch {
		case strings.HasPrefix(text, ")"):
			block = false
		case strings.HasPrefix(text, "const (") || strings.HasPrefix(text, "var (") || strings.HasPrefix(text, "type ("):
			block = true
		case block && strings.HasPrefix(text, "\t"):
			p.addGeneratedName(s, text[1:])
		default:
			for _, keyword := range []string{"func ", "type ", "const ", "var "} {
				if rest, ok := strings.CutPrefix(text, keyword); ok {
					p.addGeneratedName(s, rest)
				}
			}
		}
	}
}

func (p *Package) addGeneratedName(s Source, text string) {
	if name := identifierAt(text); name != "" {
		p.generated[name] = s.Name()
	}
}

// identifierAt returns the identifier that a text begins with, "" when there is none, as before the receiver of a method.
func identifierAt(text string) string {
	end := strings.IndexFunc(text, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z') && r < utf8.RuneSelf
	})
	if end < 0 {
		return ""
	}
	if name := text[:end]; token.IsIdentifier(name) && name != "_" {
		return name
	}
	return ""
}
