package workflow

import (
	"encoding"
	"encoding/json"
	"reflect"
	"sync"
)

// A decider gets copies of the state and of its input. Slices, maps and pointers are shared memory: without a copy, the next
// decision would see a decider's changes to them, even after a rejection.

// copier copies values of the user's types. For each type it finds out once which parts are shared memory.
type copier struct{ plans sync.Map } // of *copyPlan, by reflect.Type

// copyPlan says how to copy values of a type.
type copyPlan struct {
	typ    reflect.Type
	how    copyWay
	elem   *copyPlan   // of a slice, map, pointer or array
	fields []fieldPlan // of a struct: those with shared memory
}

type fieldPlan struct {
	index int
	plan  *copyPlan
}

type copyWay int

const (
	copyPlain   copyWay = iota // an assignment is a copy
	copyStruct                 // by its fields
	copySlice                  // by its elements, like an array, a map and a pointer
	copyArray                  //
	copyMap                    //
	copyPointer                //
	copyDynamic                // an interface: by the value in it
	copyByJSON                 // by the type's own methods, because its fields are not exported
	copyNever                  // there is no safe way
)

// maxCopyDepth limits how deeply values may be nested. A value that contains itself would have no end.
const maxCopyDepth = 1000

// copyOf returns a copy that shares no memory with v, or v itself and false when it cannot be copied.
func (c *copier) copyOf(v any) (copied any, ok bool) {
	if v == nil {
		return nil, true
	}
	plan := c.plan(reflect.TypeOf(v))
	if plan.how == copyPlain {
		return v, true
	}
	defer func() {
		if recover() != nil { // in a method of the user's type
			copied, ok = v, false
		}
	}()
	own := reflect.New(plan.typ).Elem()
	own.Set(reflect.ValueOf(v))
	if !c.detach(own, plan, 0) {
		return v, false
	}
	return own.Interface(), true
}

// plan returns the plan of a type.
func (c *copier) plan(t reflect.Type) *copyPlan {
	if plan, ok := c.plans.Load(t); ok {
		return plan.(*copyPlan)
	}
	made := make(map[reflect.Type]*copyPlan)
	plan := c.newPlan(t, made)
	for t, p := range made { // all at once: a plan in the making is not complete
		c.plans.Store(t, p)
	}
	return plan
}

func (c *copier) newPlan(t reflect.Type, made map[reflect.Type]*copyPlan) *copyPlan {
	if plan, ok := made[t]; ok {
		return plan
	}
	plan := &copyPlan{typ: t}
	made[t] = plan
	switch t.Kind() {
	case reflect.Slice:
		plan.how = copySlice // before the elements, which may contain this type again
		plan.elem = c.newPlan(t.Elem(), made)
	case reflect.Map:
		plan.how = copyMap
		plan.elem = c.newPlan(t.Elem(), made)
	case reflect.Pointer:
		plan.how = copyPointer
		plan.elem = c.newPlan(t.Elem(), made)
	case reflect.Array:
		if plan.elem = c.newPlan(t.Elem(), made); plan.elem.how != copyPlain {
			plan.how = copyArray
		}
	case reflect.Interface:
		plan.how = copyDynamic
	case reflect.Struct:
		c.planStruct(plan, made)
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		plan.how = copyNever
	}
	return plan
}

// immutable has the packages whose types have no method that changes shared memory of a value.
var immutable = map[string]bool{"time": true, "net/netip": true, "unique": true}

func (c *copier) planStruct(plan *copyPlan, made map[reflect.Type]*copyPlan) {
	if immutable[plan.typ.PkgPath()] {
		return
	}
	for i := range plan.typ.NumField() {
		field := plan.typ.Field(i)
		of := c.newPlan(field.Type, made)
		if of.how == copyPlain {
			continue
		}
		if !field.IsExported() {
			plan.how = copyNever
			if hasJSON(plan.typ) {
				plan.how = copyByJSON
			}
			return
		}
		plan.how, plan.fields = copyStruct, append(plan.fields, fieldPlan{i, of})
	}
}

// hasJSON reports whether a type has methods that encode and decode it.
func hasJSON(t reflect.Type) bool {
	pointer := reflect.PointerTo(t)
	is := func(interfaces ...reflect.Type) bool {
		for _, i := range interfaces {
			if pointer.Implements(i) {
				return true
			}
		}
		return false
	}
	return is(reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler]()) &&
		is(reflect.TypeFor[json.Unmarshaler](), reflect.TypeFor[encoding.TextUnmarshaler]())
}

// detach replaces the memory that v shares with the value it was assigned from. v must be settable.
func (c *copier) detach(v reflect.Value, plan *copyPlan, depth int) bool {
	if depth > maxCopyDepth {
		return false
	}
	switch plan.how {
	case copyPlain:
		return true
	case copyStruct:
		for _, f := range plan.fields {
			if !c.detach(v.Field(f.index), f.plan, depth+1) {
				return false
			}
		}
		return true
	case copySlice:
		if v.IsNil() {
			return true
		}
		own := reflect.MakeSlice(plan.typ, v.Len(), v.Len())
		reflect.Copy(own, v)
		v.Set(own)
		return c.detachAll(v, plan.elem, depth)
	case copyArray:
		return c.detachAll(v, plan.elem, depth)
	case copyMap:
		return v.IsNil() || c.detachMap(v, plan, depth)
	case copyPointer:
		if v.IsNil() {
			return true
		}
		own := reflect.New(plan.typ.Elem())
		own.Elem().Set(v.Elem())
		v.Set(own)
		return c.detach(own.Elem(), plan.elem, depth+1)
	case copyDynamic:
		if v.IsNil() {
			return true
		}
		own := reflect.New(v.Elem().Type()).Elem()
		own.Set(v.Elem())
		if !c.detach(own, c.plan(own.Type()), depth+1) {
			return false
		}
		v.Set(own)
		return true
	case copyByJSON:
		text, err := json.Marshal(v.Addr().Interface())
		if err != nil {
			return false
		}
		own := reflect.New(plan.typ)
		if json.Unmarshal(text, own.Interface()) != nil {
			return false
		}
		v.Set(own.Elem())
		return true
	}
	return false
}

func (c *copier) detachAll(list reflect.Value, elem *copyPlan, depth int) bool {
	if elem.how == copyPlain {
		return true
	}
	for i := range list.Len() {
		if !c.detach(list.Index(i), elem, depth+1) {
			return false
		}
	}
	return true
}

func (c *copier) detachMap(v reflect.Value, plan *copyPlan, depth int) bool {
	own := reflect.MakeMapWithSize(plan.typ, v.Len())
	for entries := v.MapRange(); entries.Next(); {
		if plan.elem.how == copyPlain {
			own.SetMapIndex(entries.Key(), entries.Value())
			continue
		}
		value := reflect.New(plan.typ.Elem()).Elem()
		value.Set(entries.Value())
		if !c.detach(value, plan.elem, depth+1) {
			return false
		}
		own.SetMapIndex(entries.Key(), value)
	}
	v.Set(own)
	return true
}
