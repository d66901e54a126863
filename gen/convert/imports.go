package convert

import (
	"bytes"
	"fmt"
	"go/token"
	"go/types"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// imports are the packages that a Go file needs, by path, with what it calls them.
type imports map[string]string

// name returns what the file calls a package, which it imports from then on.
func (i *imports) name(importPath string) string {
	if *i == nil {
		*i = make(imports)
	}
	if name, ok := (*i)[importPath]; ok {
		return name
	}
	base := packageName(importPath)
	name := base
	for n := 2; slices.Contains(slices.Collect(maps.Values(*i)), name); n++ {
		name = base + strconv.Itoa(n)
	}
	(*i)[importPath] = name
	return name
}

var version = regexp.MustCompile(`^v[0-9]+$|[.-]v[0-9]+$`)

// packageName guesses the name of a package from its path, which mostly tells.
func packageName(importPath string) string {
	dir, base := path.Split(importPath)
	if version.MatchString(base) && base[0] == 'v' && dir != "" {
		base = path.Base(dir)
	}
	base = strings.TrimPrefix(version.ReplaceAllString(base, ""), "go-")
	base = strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '_' {
			return r
		}
		return -1
	}, strings.ToLower(base))
	if !token.IsIdentifier(base) || types.Universe.Lookup(base) != nil {
		return "pkg" + base
	}
	return base
}

// block renders the import declaration: the standard library first. A package that may have another name than its path
// tells is given one.
func (i imports) block() []byte {
	if len(i) == 0 {
		return nil
	}
	var b bytes.Buffer
	if len(i) == 1 {
		for importPath := range i {
			fmt.Fprintf(&b, "\nimport %s\n", i.spec(importPath))
		}
		return b.Bytes()
	}
	b.WriteString("\nimport (\n")
	for _, standard := range []bool{true, false} {
		for _, importPath := range slices.Sorted(maps.Keys(i)) {
			first, _, _ := strings.Cut(importPath, "/")
			if standard != strings.Contains(first, ".") {
				b.WriteString(i.spec(importPath) + "\n")
			}
		}
		b.WriteString("\n")
	}
	b.WriteString(")\n")
	return b.Bytes()
}

func (i imports) spec(importPath string) string {
	name, first := i[importPath], strings.SplitN(importPath, "/", 2)[0]
	if name == path.Base(importPath) && !strings.Contains(first, ".") {
		return strconv.Quote(importPath)
	}
	return name + " " + strconv.Quote(importPath)
}
