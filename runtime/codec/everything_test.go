package codec_test

import (
	"encoding/json"
	"math/big"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

// everything has a field of each type that can be declared, with functions in the shape that the generator emits.
type everything struct {
	String   string
	Bool     bool
	Int      int
	Int32    int32
	Int64    int64
	Uint32   uint32
	Uint64   uint64
	Float64  float64
	Time     time.Time
	Duration time.Duration
	Binary   []byte
	Decimal  string
	JSON     json.RawMessage
	Enum     color
	Go       big.Int
	List     []int64
	Lists    [][]string
	Map      map[string]float64
	Children map[string]everything
	Optional *string
	Parent   *everything
}

type color string

const (
	red  color = "red"
	blue color = "blue"
)

var colors = []color{red, blue}

func encodeColor(e *codec.Encoder, v color) { codec.EncodeEnum(e, v, colors) }

func decodeColor(d *codec.Decoder) color { return codec.DecodeEnum(d, colors) }

func encodeStrings(e *codec.Encoder, v []string) { codec.EncodeList(e, v, (*codec.Encoder).String) }

func decodeStrings(d *codec.Decoder) []string { return codec.DecodeList(d, (*codec.Decoder).String) }

func encodeEverything(e *codec.Encoder, v everything) {
	e.BeginObject()
	e.Key("string")
	e.String(v.String)
	e.Key("bool")
	e.Bool(v.Bool)
	e.Key("int")
	e.Int(v.Int)
	e.Key("int32")
	e.Int32(v.Int32)
	e.Key("int64")
	e.Int64(v.Int64)
	e.Key("uint32")
	e.Uint32(v.Uint32)
	e.Key("uint64")
	e.Uint64(v.Uint64)
	e.Key("float64")
	e.Float64(v.Float64)
	e.Key("time")
	e.Time(v.Time)
	e.Key("duration")
	e.Duration(v.Duration)
	e.Key("binary")
	e.Binary(v.Binary)
	e.Key("decimal")
	e.Decimal(v.Decimal)
	e.Key("json")
	e.JSON(v.JSON)
	e.Key("enum")
	encodeColor(e, v.Enum)
	e.Key("go")
	codec.EncodeGo(e, v.Go)
	e.Key("list")
	codec.EncodeList(e, v.List, (*codec.Encoder).Int64)
	e.Key("lists")
	codec.EncodeList(e, v.Lists, encodeStrings)
	e.Key("map")
	codec.EncodeMap(e, v.Map, (*codec.Encoder).Float64)
	e.Key("children")
	codec.EncodeMap(e, v.Children, encodeEverything)
	e.Key("optional")
	codec.EncodeOptional(e, v.Optional, (*codec.Encoder).String)
	e.Key("parent")
	codec.EncodeOptional(e, v.Parent, encodeEverything)
	e.EndObject()
}

func decodeEverything(d *codec.Decoder) everything {
	var v everything
	var seen codec.Fields
	for d.BeginObject(); d.NextField(); {
		switch string(d.Key()) {
		case "string":
			d.Seen(&seen, 0)
			v.String = d.String()
		case "bool":
			d.Seen(&seen, 1)
			v.Bool = d.Bool()
		case "int":
			d.Seen(&seen, 2)
			v.Int = d.Int()
		case "int32":
			d.Seen(&seen, 3)
			v.Int32 = d.Int32()
		case "int64":
			d.Seen(&seen, 4)
			v.Int64 = d.Int64()
		case "uint32":
			d.Seen(&seen, 5)
			v.Uint32 = d.Uint32()
		case "uint64":
			d.Seen(&seen, 6)
			v.Uint64 = d.Uint64()
		case "float64":
			d.Seen(&seen, 7)
			v.Float64 = d.Float64()
		case "time":
			d.Seen(&seen, 8)
			v.Time = d.Time()
		case "duration":
			d.Seen(&seen, 9)
			v.Duration = d.Duration()
		case "binary":
			d.Seen(&seen, 10)
			v.Binary = d.Binary()
		case "decimal":
			d.Seen(&seen, 11)
			v.Decimal = d.Decimal()
		case "json":
			d.Seen(&seen, 18)
			v.JSON = d.JSON()
		case "enum":
			d.Seen(&seen, 12)
			v.Enum = decodeColor(d)
		case "go":
			d.Seen(&seen, 13)
			v.Go = codec.DecodeGo[big.Int](d)
		case "list":
			d.Seen(&seen, 14)
			v.List = codec.DecodeList(d, (*codec.Decoder).Int64)
		case "lists":
			d.Seen(&seen, 15)
			v.Lists = codec.DecodeList(d, decodeStrings)
		case "map":
			d.Seen(&seen, 16)
			v.Map = codec.DecodeMap(d, (*codec.Decoder).Float64)
		case "children":
			d.Seen(&seen, 17)
			v.Children = codec.DecodeMap(d, decodeEverything)
		case "optional":
			d.Seen(&seen, 19)
			v.Optional = codec.DecodeOptional(d, (*codec.Decoder).String)
		case "parent":
			d.Seen(&seen, 20)
			v.Parent = codec.DecodeOptional(d, decodeEverything)
		default:
			d.Skip()
		}
	}
	d.Require(seen, "string", "bool", "int", "int32", "int64", "uint32", "uint64", "float64", "time", "duration", "binary",
		"decimal", "enum", "go", "list", "lists", "map", "children")
	return v
}

// something returns a value that can be encoded: an enum and a decimal have no zero value that can.
func something() everything { return everything{Enum: red, Decimal: "0"} }

// encode and decode run a function of the generated shape on a whole document.
func encode[T any](v T, encode func(*codec.Encoder, T)) (string, error) {
	e := codec.NewEncoder()
	encode(e, v)
	text, err := e.Bytes()
	return string(text), err
}

func decode[T any](text string, decode func(*codec.Decoder) T) (T, error) {
	d := codec.NewDecoder([]byte(text))
	v := decode(d)
	return v, d.End()
}

func decodeStrict[T any](text string, decode func(*codec.Decoder) T) (T, error) {
	d := codec.NewStrictDecoder([]byte(text))
	v := decode(d)
	return v, d.End()
}
