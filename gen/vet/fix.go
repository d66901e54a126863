package vet

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"go/format"
	"maps"
	"os"
	"slices"
)

// textEdit replaces a part of a file.
type textEdit struct {
	file       string
	start, end int
	text       string
}

// Fixed is a file with the fixes that findings suggest.
type Fixed struct {
	Path          string
	Before, After []byte
}

// Fix applies the fixes that findings suggest to what their files hold, and writes nothing. It returns the files that change
// and the findings that are left: those without a fix, and those whose fix is in the way of another one.
func (f Findings) Fix() (files []Fixed, left Findings, err error) {
	edits := make(map[string][]textEdit)
	for _, one := range f {
		if len(one.edits) == 0 || slices.ContainsFunc(one.edits, func(e textEdit) bool { return inTheWay(edits[e.file], e) }) {
			left = append(left, one)
			continue
		}
		for _, e := range one.edits {
			if !slices.Contains(edits[e.file], e) {
				edits[e.file] = append(edits[e.file], e)
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(edits)) {
		before, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, err
		}
		after, err := applied(before, edits[path])
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", relative(path), err)
		}
		files = append(files, Fixed{Path: relative(path), Before: before, After: after})
	}
	return files, left, nil
}

// inTheWay reports whether an edit touches one of others, and is not one of them.
func inTheWay(others []textEdit, e textEdit) bool {
	return !slices.Contains(others, e) &&
		slices.ContainsFunc(others, func(o textEdit) bool { return e.start <= o.end && o.start <= e.end })
}

// applied returns the content of a file after edits. A file that was formatted is formatted afterwards.
func applied(content []byte, edits []textEdit) ([]byte, error) {
	slices.SortStableFunc(edits, func(a, b textEdit) int { return cmp.Compare(a.start, b.start) })
	var after bytes.Buffer
	at := 0
	for _, e := range edits {
		if e.start < at || e.end > len(content) {
			return nil, errors.New("the file has changed in the meantime")
		}
		after.Write(content[at:e.start])
		after.WriteString(e.text)
		at = e.end
	}
	after.Write(content[at:])
	if formatted, err := format.Source(content); err != nil || !bytes.Equal(formatted, content) {
		return after.Bytes(), nil
	}
	return format.Source(after.Bytes())
}
