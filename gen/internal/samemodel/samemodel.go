// Package samemodel compares what different front ends make of equal declarations, for tests.
package samemodel

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// Diff describes the first differences between two models but for positions and Go names, "" when there is none. It strips
// both models of these, so that they are of no use for anything else.
func Diff(a, b *spec.Workflow) string {
	strip(a)
	strip(b)
	c := comparison{seen: make(map[[2]uintptr]bool)}
	c.compare("workflow", reflect.ValueOf(a), reflect.ValueOf(b))
	return strings.Join(c.found, "\n")
}

// strip removes what depends on the form of a declaration.
func strip(w *spec.Workflow) {
	w.Form, w.File = 0, ""
	w.StateType, w.StatusType, w.StatusField = "", "", ""
	stripValue(reflect.ValueOf(w), make(map[uintptr]bool))
}

var position = reflect.TypeFor[spec.Pos]()

func stripValue(v reflect.Value, seen map[uintptr]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() && !seen[v.Pointer()] {
			seen[v.Pointer()] = true
			stripValue(v.Elem(), seen)
		}
	case reflect.Slice:
		for i := range v.Len() {
			stripValue(v.Index(i), seen)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if v.Field(i).Type() == position || name == "GoName" || name == "As" {
				v.Field(i).SetZero()
			}
			stripValue(v.Field(i), seen)
		}
	}
}

const maxFound = 10

type comparison struct {
	seen  map[[2]uintptr]bool
	found []string
}

func (c *comparison) compare(path string, a, b reflect.Value) {
	if len(c.found) >= maxFound {
		return
	}
	switch a.Kind() {
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			if a.IsNil() != b.IsNil() {
				c.found = append(c.found, fmt.Sprintf("%s: nil %t and %t", path, a.IsNil(), b.IsNil()))
			}
			return
		}
		pair := [2]uintptr{a.Pointer(), b.Pointer()}
		if !c.seen[pair] {
			c.seen[pair] = true
			c.compare(path, a.Elem(), b.Elem())
		}
	case reflect.Slice:
		if a.Len() != b.Len() {
			c.found = append(c.found, fmt.Sprintf("%s: %d and %d elements", path, a.Len(), b.Len()))
			return
		}
		for i := range a.Len() {
			c.compare(fmt.Sprintf("%s[%d]", path, i), a.Index(i), b.Index(i))
		}
	case reflect.Struct:
		for i := range a.NumField() {
			c.compare(path+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i))
		}
	default:
		if !a.Equal(b) {
			c.found = append(c.found, fmt.Sprintf("%s: %v and %v", path, a, b))
		}
	}
}

// Reflow makes the docs of a model differ in nothing but their words.
func Reflow(w *spec.Workflow) {
	setDocs(w, func(doc string) string { return strings.Join(strings.Fields(doc), " ") })
}

// DropDocs removes the docs of a model.
func DropDocs(w *spec.Workflow) {
	setDocs(w, func(string) string { return "" })
}

func setDocs(w *spec.Workflow, change func(string) string) {
	setDocsOf(reflect.ValueOf(w), change, make(map[uintptr]bool))
}

func setDocsOf(v reflect.Value, change func(string) string, seen map[uintptr]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() && !seen[v.Pointer()] {
			seen[v.Pointer()] = true
			setDocsOf(v.Elem(), change, seen)
		}
	case reflect.Slice:
		for i := range v.Len() {
			setDocsOf(v.Index(i), change, seen)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name == "Doc" {
				v.Field(i).SetString(change(v.Field(i).String()))
			}
			setDocsOf(v.Field(i), change, seen)
		}
	}
}
