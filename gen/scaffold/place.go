package scaffold

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// place is where stubs go.
type place struct {
	path            string
	qualify         func(importPath string) string
	carriageReturns bool
	created         *stubFile // the file does not exist
}

// stubFile is what the template of a new file for stubs shows.
type stubFile struct {
	Package string
	Build   string
	Import  string     // when there is one
	Imports [][]string // in groups, when there are several
}

// place chooses the file for the stubs of a type that need some packages. The file that declares the type comes first, then
// those with most of its methods, then the file that earlier stubs may be in. It has to import the packages already,
// under whatever name, and to be built whenever the type is; otherwise it is a new file.
func (p *Package) place(decls []typeDecl, needs []string) place {
	home := decls[0].file
	build := home.build
	if len(decls) > 1 {
		build = "" // declared for several platforms, so methods for all of them belong elsewhere
	}
	candidates := p.filesWith(decls[0].Name.Name)
	if len(decls) == 1 {
		candidates = slices.Insert(candidates, 0, home)
	}
	created := stubsName(decls[0].Name.Name, 1)
	for n := 2; p.hasFile(created); n++ {
		if i := slices.IndexFunc(p.files, func(f *file) bool { return f.Name() == created }); i >= 0 {
			candidates = append(candidates, p.files[i])
		}
		created = stubsName(decls[0].Name.Name, n)
	}
	for _, f := range candidates {
		if !f.test && f.build == build && f.sees(needs) {
			return place{path: f.Path, carriageReturns: endsLinesWithCR(f.Content), qualify: func(path string) string {
				name, _ := f.nameOf(path)
				return name
			}}
		}
	}
	f := &stubFile{Package: p.w.Package.Text, Build: build}
	if len(needs) == 1 {
		f.Import = needs[0]
	} else {
		f.Imports = inGroups(needs)
	}
	dir := strings.TrimSuffix(home.Path, home.Name())
	return place{path: dir + created, carriageReturns: endsLinesWithCR(home.Content), qualify: defaultName, created: f}
}

// inGroups sets the standard library's packages apart from the others, as is the custom.
func inGroups(paths []string) [][]string {
	var standard, others []string
	for _, path := range paths {
		if strings.Contains(path, ".") {
			others = append(others, path)
		} else {
			standard = append(standard, path)
		}
	}
	return slices.DeleteFunc([][]string{standard, others}, func(group []string) bool { return len(group) == 0 })
}

// filesWith returns the files with methods of a type, those with most of them first.
func (p *Package) filesWith(typeName string) []*file {
	count := make(map[*file]int)
	for _, decls := range p.methods[typeName] {
		for _, m := range decls {
			count[m.file]++
		}
	}
	var files []*file
	for _, f := range p.files {
		if count[f] > 0 {
			files = append(files, f)
		}
	}
	slices.SortStableFunc(files, func(a, b *file) int { return cmp.Compare(count[b], count[a]) })
	return files
}

func (p *Package) hasFile(name string) bool {
	return slices.ContainsFunc(p.own, func(s Source) bool { return s.Name() == name })
}

// stubsName names the file for stubs that no file of the user's can take: decider_stubs.go.
func stubsName(typeName string, n int) string {
	var b strings.Builder
	for i, r := range typeName {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	b.WriteString("_stubs")
	if n > 1 {
		b.WriteString(strings.Repeat("_more", n-1))
	}
	return b.String() + ".go"
}

// nameOf returns the name under which a file sees a package: "" when its names are among the file's own.
func (f *file) nameOf(path string) (name string, ok bool) {
	var names []string
	for name, p := range f.imports {
		if p == path {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		return slices.Min(names), true
	}
	for _, spec := range f.syntax.Imports {
		if spec.Name != nil && spec.Name.Name == "." && spec.Path.Value == `"`+path+`"` {
			return "", true
		}
	}
	return "", false
}

func (f *file) sees(paths []string) bool {
	return !slices.ContainsFunc(paths, func(path string) bool { _, ok := f.nameOf(path); return !ok })
}
