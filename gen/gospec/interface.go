package gospec

import (
	"fmt"
	"go/types"
	"strings"
)

// maxImplementations bounds how many types a message names.
const maxImplementations = 3

// insteadOf says what to declare instead of a field of an interface, which depends on the types of the package that implement it.
func (r *reader) insteadOf(t *types.Interface) string {
	names := r.implementations(t)
	switch len(names) {
	case 0:
		return "what is stored needs a type to be read into; use json.RawMessage for what may be anything"
	case 1:
		return "what is stored needs a type to be read into; use " + names[0] + ", or json.RawMessage for what may be anything"
	}
	listed := strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
	if len(names) > maxImplementations {
		names = names[:maxImplementations]
		listed = strings.Join(names, ", ") + " and others"
	}
	fields := ""
	for _, name := range names {
		fields += fmt.Sprintf("; %s *%[1]s", name)
	}
	return fmt.Sprintf("%s implement it, and nothing would tell which of them to read; declare a struct with a tag, which is a field of an enum, and "+
		"a pointer for the data of each, like struct { Kind Kind%s }", listed, fields)
}

// implementations returns the types of the package that are, or whose pointers are, of an interface with methods, in the order of
// their names.
func (r *reader) implementations(t *types.Interface) []string {
	if t.NumMethods() == 0 {
		return nil
	}
	var names []string
	for _, name := range r.pkg.Scope().Names() {
		obj, isType := r.pkg.Scope().Lookup(name).(*types.TypeName)
		if !isType || obj.IsAlias() || types.IsInterface(obj.Type()) {
			continue
		}
		named, is := obj.Type().(*types.Named)
		if !is || named.TypeParams().Len() > 0 || named.Underlying() == types.Typ[types.Invalid] {
			continue
		}
		if types.Implements(obj.Type(), t) || types.Implements(types.NewPointer(obj.Type()), t) {
			names = append(names, name)
		}
	}
	return names
}
