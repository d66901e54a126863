package generate

// ApplyWith is Apply with a hook before each change that others can see.
func (p *Plan) ApplyWith(before func(op, path string) error) error { return p.apply(before) }

// IsTemporary reports whether a file is a temporary one of a run.
func IsTemporary(name string) bool {
	_, ok := writerOf(name)
	return ok
}
