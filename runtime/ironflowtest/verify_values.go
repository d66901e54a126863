package ironflowtest

import (
	"math"
	"reflect"
	"time"
)

// drawTries is how often a random input is drawn until one can be stored.
const drawTries = 5

// draw returns one random input. The fields that it takes over from an effect stay. It returns plain values if no random one can be stored.
func (d *domain) draw(name, from string, p pool) []any {
	for range drawTries {
		v, filled, ok := d.blank(name, from)
		if !ok {
			return nil
		}
		for i := range v.NumField() {
			field := v.Type().Field(i)
			switch {
			case !field.IsExported() || filled[jsonName(field)] != nil:
			case i == d.idField[name]:
				v.Field(i).SetString(instanceID)
			default:
				d.drawInto(v.Field(i), p, 0)
			}
		}
		encoded, err := d.workflow.EncodeInput(v.Interface())
		if err != nil {
			continue
		}
		if in, ok := d.received(name, encoded.Payload); ok {
			return []any{in}
		}
	}
	return d.makeAll(name, from, p, false)
}

// drawInto sets a value to a random one. Types without a rule keep their zero value.
func (d *domain) drawInto(v reflect.Value, p pool, depth int) {
	r, t := d.random, v.Type()
	switch {
	case t == timeType:
		v.Set(reflect.ValueOf(d.drawTime(p)))
		return
	case d.enums[t] != nil:
		v.Set(d.enums[t][r.IntN(len(d.enums[t]))])
		return
	case depth > maxDepth:
		return
	}
	switch t.Kind() {
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if n := d.drawInt(p); !v.OverflowInt(n) {
			v.SetInt(n)
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if n := uint64(max(d.drawInt(p), 0)); !v.OverflowUint(n) {
			v.SetUint(n)
		}
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(d.drawInt(p)) / 4)
	case reflect.String:
		v.SetString(d.drawText(p))
	case reflect.Pointer:
		if r.IntN(3) > 0 {
			v.Set(reflect.New(t.Elem()))
			d.drawInto(v.Elem(), p, depth+1)
		}
	case reflect.Slice:
		n := r.IntN(4)
		v.Set(reflect.MakeSlice(t, n, n))
		for i := range n {
			d.drawInto(v.Index(i), p, depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(t))
		for range r.IntN(3) {
			key, elem := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
			d.drawInto(key, p, depth+1)
			d.drawInto(elem, p, depth+1)
			v.SetMapIndex(key, elem)
		}
	case reflect.Struct:
		for i := range t.NumField() {
			if t.Field(i).IsExported() {
				d.drawInto(v.Field(i), p, depth+1)
			}
		}
	}
}

// drawInt draws small numbers and those of the state most often, and extremes seldom.
func (d *domain) drawInt(p pool) int64 {
	r := d.random
	switch n := r.IntN(8); {
	case n < 3 && len(p.ints) > 0:
		return p.ints[r.IntN(len(p.ints))]
	case n < 5:
		return r.Int64N(20) - 5
	case n < 7:
		return r.Int64N(1_000_000)
	}
	return []int64{math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64}[r.IntN(4)]
}

func (d *domain) drawText(p pool) string {
	r := d.random
	if n := r.IntN(4); n < 2 && len(p.texts) > 0 {
		return p.texts[r.IntN(len(p.texts))]
	}
	texts := []string{"", "a", "b", "A longer text, with a comma.", "1", "0.50", "été 日本 🙂", "\"quoted\" \\ <tag>"}
	return texts[r.IntN(len(texts))]
}

func (d *domain) drawTime(p pool) time.Time {
	r := d.random
	if n := r.IntN(3); n == 0 && len(p.times) > 0 {
		return p.times[r.IntN(len(p.times))]
	}
	return d.now.Add(time.Duration(r.Int64N(int64(60*24*time.Hour))) - 30*24*time.Hour).Truncate(time.Second)
}
