package spec

import "github.com/ironflow-gen/ironflow/gen/diagnostic"

// index finds what is declared of one kind by name, and keeps track of what the declaration uses of it.
type index[T any] struct {
	kind   string // "event"
	items  map[string]T
	order  []string
	unread bool // something of this kind could not be read, so any name may be declared

	used  map[string]bool
	vague bool // a use could not be understood, so anything may be used
}

// newIndex indexes a list. The first of two items with the same name is kept; the table of identifiers reports both.
func newIndex[T any](kind string, list []T, name func(T) Name) *index[T] {
	x := &index[T]{kind: kind, items: make(map[string]T), used: make(map[string]bool)}
	for _, item := range list {
		n := name(item)
		if n.Text == "" {
			x.unread = true
			continue
		}
		if _, again := x.items[n.Text]; !again {
			x.items[n.Text] = item
			x.order = append(x.order, n.Text)
		}
	}
	return x
}

func (x *index[T]) kindName() string { return x.kind }

func (x *index[T]) has(text string) bool {
	_, ok := x.items[text]
	return ok
}

// find looks a name up and reports it when it is not declared. meant is the name that the user had in mind: the name
// itself, the nearest one when it was misspelled, or "" when that cannot be told. The item is only there for the first.
func (x *index[T]) find(c *checker, n Name) (item T, meant string) {
	if n.Text == "" {
		return item, ""
	}
	if item, ok := x.items[n.Text]; ok {
		return item, n.Text
	}
	if x.unread || c.d.Full() {
		return item, ""
	}
	if kind := c.kindOf(n.Text); kind != "" {
		c.d.Report(n.Pos, diagnostic.Undeclared, "%s %q is not declared: it is the name of %s", x.kind, n.Text, withArticle(kind))
		return item, ""
	}
	nearest, hint := SuggestKey(n.Text, x.order)
	c.d.Report(n.Pos, diagnostic.Undeclared, "%s %q is not declared; %s", x.kind, n.Text, hint)
	return item, nearest
}

// use is find for a place that counts as a use. A misspelling counts as a use of the nearest name, so that it is one
// mistake and not two.
func (x *index[T]) use(c *checker, n Name) (meant string) {
	_, meant = x.find(c, n)
	if meant == "" {
		x.vague = true
	} else {
		x.used[meant] = true
	}
	return meant
}

// mayUse reports whether the declaration uses the name, or cannot be understood well enough to deny it.
func (x *index[T]) mayUse(text string) bool { return x.vague || x.used[text] }

// withArticle puts "a" or "an" before a kind.
func withArticle(kind string) string {
	switch kind[0] {
	case 'a', 'e', 'i', 'o', 'u':
		return "an " + kind
	}
	return "a " + kind
}
