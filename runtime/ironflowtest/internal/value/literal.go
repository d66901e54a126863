// Package value writes values as Go source, and says in which fields two values differ. It is for the messages of failing tests.
package value

import (
	"cmp"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Literal writes a value as a Go expression, as it can be pasted into a file of the package with the path in. Types of other packages are
// qualified with the last element of their path. Zero fields are left out. Unexported fields cannot be written, so a type that has such
// fields is written as a comment with what it prints as; [time.Time] and [time.Duration] are calls.
func Literal(v any, in string) string {
	if v == nil {
		return "nil"
	}
	return (&printer{in: in}).text(reflect.ValueOf(v), nil)
}

type printer struct {
	in    string
	depth int
}

// maxDepth is how deep a value is written: a value that holds itself has no end.
const maxDepth = 20

// text writes a value for a place of type given, which makes a composite literal's own type superfluous. nil asks for the type.
func (p *printer) text(v reflect.Value, given reflect.Type) string {
	if p.depth++; p.depth > maxDepth {
		p.depth--
		return "nil /* too deep */"
	}
	defer func() { p.depth-- }()
	t := v.Type()
	switch {
	case t == reflect.TypeFor[time.Time]() && v.CanInterface():
		return timeText(v.Interface().(time.Time))
	case t == reflect.TypeFor[time.Duration]():
		return durationText(time.Duration(v.Int()))
	}
	switch v.Kind() {
	case reflect.Bool:
		return p.scalar(v, given, strconv.FormatBool(v.Bool()), reflect.Bool)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return p.scalar(v, given, strconv.FormatInt(v.Int(), 10), reflect.Int)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return p.scalar(v, given, strconv.FormatUint(v.Uint(), 10), reflect.Int)
	case reflect.Float32, reflect.Float64:
		return p.scalar(v, given, strconv.FormatFloat(v.Float(), 'g', -1, 64), reflect.Float64)
	case reflect.String:
		return p.scalar(v, given, strconv.Quote(v.String()), reflect.String)
	case reflect.Pointer:
		return p.pointer(v)
	case reflect.Interface:
		if v.IsNil() {
			return "nil"
		}
		return p.text(v.Elem(), nil)
	case reflect.Struct:
		return p.structure(v)
	case reflect.Slice:
		if v.IsNil() {
			return "nil"
		}
		if t.Elem().Kind() == reflect.Uint8 {
			return p.typeName(t) + "(" + strconv.Quote(string(v.Bytes())) + ")"
		}
		return p.typeName(t) + p.list(v)
	case reflect.Array:
		return p.typeName(t) + p.list(v)
	case reflect.Map:
		if v.IsNil() {
			return "nil"
		}
		return p.typeName(t) + p.entries(v)
	}
	return fmt.Sprintf("nil /* a %s */", t)
}

// scalar converts a literal where its type would not follow from the place.
func (p *printer) scalar(v reflect.Value, given reflect.Type, literal string, standard reflect.Kind) string {
	t := v.Type()
	if t == given || t.PkgPath() == "" && t.Kind() == standard {
		return literal
	}
	return p.typeName(t) + "(" + literal + ")"
}

func (p *printer) pointer(v reflect.Value) string {
	if v.IsNil() {
		return "nil"
	}
	if to := v.Elem(); to.Kind() == reflect.Struct && to.Type() != reflect.TypeFor[time.Time]() {
		return "&" + p.text(to, nil)
	}
	return "new(" + p.text(v.Elem(), nil) + ")"
}

func (p *printer) structure(v reflect.Value) string {
	t := v.Type()
	var fields []string
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			return p.typeName(t) + "{} /* " + strings.ReplaceAll(fmt.Sprint(v), "*/", "* /") + " */"
		}
		if !v.Field(i).IsZero() {
			fields = append(fields, f.Name+": "+p.text(v.Field(i), f.Type))
		}
	}
	return p.typeName(t) + "{" + strings.Join(fields, ", ") + "}"
}

func (p *printer) list(v reflect.Value) string {
	elem := v.Type().Elem()
	items := make([]string, v.Len())
	for i := range items {
		items[i] = p.element(v.Index(i), elem)
	}
	return "{" + strings.Join(items, ", ") + "}"
}

func (p *printer) element(v reflect.Value, elem reflect.Type) string {
	text := p.text(v, elem)
	if v.Kind() == reflect.Struct && elem == v.Type() {
		text = strings.TrimPrefix(text, p.typeName(elem)) // gofmt -s
		if !strings.HasPrefix(text, "{") {
			text = p.text(v, elem)
		}
	}
	return text
}

func (p *printer) entries(v reflect.Value) string {
	var entries []string
	for it := v.MapRange(); it.Next(); {
		entries = append(entries, p.element(it.Key(), v.Type().Key())+": "+p.element(it.Value(), v.Type().Elem()))
	}
	slices.Sort(entries)
	return "{" + strings.Join(entries, ", ") + "}"
}

func (p *printer) typeName(t reflect.Type) string {
	switch {
	case t.Name() != "" && (t.PkgPath() == "" || t.PkgPath() == p.in):
		return t.Name()
	case t.Name() != "":
		return path.Base(t.PkgPath()) + "." + t.Name()
	case t.Kind() == reflect.Pointer:
		return "*" + p.typeName(t.Elem())
	case t.Kind() == reflect.Slice:
		return "[]" + p.typeName(t.Elem())
	case t.Kind() == reflect.Array:
		return "[" + strconv.Itoa(t.Len()) + "]" + p.typeName(t.Elem())
	case t.Kind() == reflect.Map:
		return "map[" + p.typeName(t.Key()) + "]" + p.typeName(t.Elem())
	}
	return t.String()
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return "time.Time{}"
	}
	u := t.UTC()
	return fmt.Sprintf("time.Date(%d, %d, %d, %d, %d, %d, %s, time.UTC)",
		u.Year(), u.Month(), u.Day(), u.Hour(), u.Minute(), u.Second(), grouped(u.Nanosecond()))
}

func grouped(ns int) string {
	if ns%1000 == 0 && ns > 0 {
		return strconv.Itoa(ns/1000) + "_000"
	}
	return strconv.Itoa(ns)
}

func durationText(d time.Duration) string {
	for _, unit := range []struct {
		d    time.Duration
		name string
	}{
		{time.Hour, "time.Hour"}, {time.Minute, "time.Minute"}, {time.Second, "time.Second"}, {time.Millisecond, "time.Millisecond"},
		{time.Microsecond, "time.Microsecond"},
	} {
		switch {
		case d == 0:
			return "0"
		case d == unit.d:
			return unit.name
		case d%unit.d == 0:
			return strconv.FormatInt(int64(d/unit.d), 10) + " * " + unit.name
		}
	}
	return "time.Duration(" + strconv.FormatInt(int64(d), 10) + ")"
}

// Diff returns the fields in which two values of one type differ, a line for each, as "Items[0].Quantity is 2, want 3". Times are the same
// when they are the same instant, and so are values whose method Equal says so. A nil list or map is the same as an empty one.
// It stops after ten lines.
func Diff(got, want any, in string) []string {
	d := differ{in: in, seen: map[[2]uintptr]bool{}}
	d.compare("", reflect.ValueOf(got), reflect.ValueOf(want))
	return d.lines
}

const maxLines = 10

type differ struct {
	in    string
	lines []string
	seen  map[[2]uintptr]bool // pointers that are compared already
}

func (d *differ) say(at, format string, args ...any) {
	if len(d.lines) < maxLines {
		d.lines = append(d.lines, cmp.Or(strings.TrimPrefix(at, "."), "it")+fmt.Sprintf(format, args...))
	}
}

func (d *differ) differ(at string, got, want reflect.Value) {
	d.say(at, " is %s, want %s", d.literal(got), d.literal(want))
}

func (d *differ) literal(v reflect.Value) string {
	if !v.IsValid() {
		return "nil"
	}
	return (&printer{in: d.in}).text(v, v.Type())
}

func (d *differ) compare(at string, got, want reflect.Value) {
	switch {
	case !got.IsValid() || !want.IsValid():
		if got.IsValid() != want.IsValid() {
			d.differ(at, got, want)
		}
		return
	case got.Type() != want.Type():
		d.say(at, " is %s, want %s", (&printer{in: d.in}).text(got, nil), (&printer{in: d.in}).text(want, nil))
		return
	}
	if same, knows := equal(got, want); knows {
		if !same {
			d.differ(at, got, want)
		}
		return
	}
	switch got.Kind() {
	case reflect.Struct:
		for i := range got.NumField() {
			d.compare(at+"."+got.Type().Field(i).Name, got.Field(i), want.Field(i))
		}
	case reflect.Slice, reflect.Array:
		d.lists(at, got, want)
	case reflect.Map:
		d.maps(at, got, want)
	case reflect.Pointer:
		switch {
		case got.IsNil() || want.IsNil():
			if got.IsNil() != want.IsNil() {
				d.differ(at, got, want)
			}
		case got.Pointer() != want.Pointer() && !d.seen[[2]uintptr{got.Pointer(), want.Pointer()}]:
			d.seen[[2]uintptr{got.Pointer(), want.Pointer()}] = true
			d.compare(at, got.Elem(), want.Elem())
		}
	case reflect.Interface:
		d.compare(at, got.Elem(), want.Elem())
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		// They have no value that could be stored.
	default:
		if !got.Equal(want) && !(got.CanFloat() && got.Float() != got.Float() && want.Float() != want.Float()) {
			d.differ(at, got, want)
		}
	}
}

func (d *differ) lists(at string, got, want reflect.Value) {
	if got.Len() != want.Len() {
		d.say(at, " has %d elements, want %d: %s, want %s", got.Len(), want.Len(), d.literal(got), d.literal(want))
		return
	}
	for i := range got.Len() {
		d.compare(fmt.Sprintf("%s[%d]", at, i), got.Index(i), want.Index(i))
	}
}

func (d *differ) maps(at string, got, want reflect.Value) {
	keys := append(got.MapKeys(), want.MapKeys()...)
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	for i, key := range keys {
		if i > 0 && key.Equal(keys[i-1]) {
			continue
		}
		entry := fmt.Sprintf("%s[%s]", at, d.literal(key))
		switch g, w := got.MapIndex(key), want.MapIndex(key); {
		case !g.IsValid():
			d.say(entry, " is missing, want %s", d.literal(w))
		case !w.IsValid():
			d.say(entry, " is %s, want no such entry", d.literal(g))
		default:
			d.compare(entry, g, w)
		}
	}
}

// equal asks the values' own method Equal, as that of time.Time.
func equal(a, b reflect.Value) (same, knows bool) {
	if !a.CanInterface() || !b.CanInterface() || (a.Kind() == reflect.Pointer || a.Kind() == reflect.Interface) && (a.IsNil() || b.IsNil()) {
		return false, false
	}
	method := a.MethodByName("Equal")
	if !method.IsValid() {
		return false, false
	}
	t := method.Type()
	if t.NumIn() != 1 || t.In(0) != a.Type() || t.NumOut() != 1 || t.Out(0).Kind() != reflect.Bool {
		return false, false
	}
	defer func() {
		if recover() != nil { // the method does not work for these values, so their fields decide
			same, knows = false, false
		}
	}()
	return method.Call([]reflect.Value{b})[0].Bool(), true
}
