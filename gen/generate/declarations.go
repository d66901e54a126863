package generate

// Declarations returns the files with the declarations that the paths name, sorted.
func Declarations(paths []string) ([]string, error) {
	found, err := find(paths)
	return found.files, err
}

// Changes reports whether carrying out the step changes a file.
func (s Step) Changes() bool {
	switch s.Action {
	case Write, Create, Append, Remove, Empty:
		return true
	}
	return false
}
