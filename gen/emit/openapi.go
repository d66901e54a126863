package emit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// openAPI emits the OpenAPI document of the HTTP handler.
func (e *emitter) openAPI(f *file) {
	document := openAPIDocument{e: e, schemas: object{}}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text) // which sorts the keys
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document.root()); err != nil {
		panic("unreachable: the document is made of strings, numbers, lists and maps: " + err.Error())
	}
	f.comment("openAPI is the OpenAPI document of the handler that NewHTTPHandler returns.")
	f.decl().Const().Id("openAPI").Op("=").Op(rawString(text.String()))
}

// rawString quotes JSON as Go source that reads as the JSON does. A backquote can stand only in a JSON string, where it may be
// escaped.
func rawString(text string) string { return "`" + strings.ReplaceAll(text, "`", `\u0060`) + "`" }

type object map[string]any

type list []any

// openAPIDocument builds the document. Component names with a dot are not those of declared types, which are Go identifiers.
type openAPIDocument struct {
	e       *emitter
	schemas object
}

func (d *openAPIDocument) root() object {
	w := d.e.w
	info := object{"title": w.Name.Text, "version": "1"}
	if w.Doc != "" {
		info["description"] = w.Doc
	}
	paths := object{}
	root := "/" + url.PathEscape(w.Name.Stored())
	for _, in := range w.ClientInputs() {
		paths[root+"/inputs/"+url.PathEscape(in.Name.Stored())] = object{"post": d.input(in)}
	}
	id := parameter("id", "path", "The id of the instance, escaped; or ~ and the id in base64url without padding, which an id that begins with ~ needs.", object{"type": "string"})
	state := operation("getState", "State of an instance", answers{
		"200": d.response("The state.", d.view()),
	}, "404", "500", "503")
	state["parameters"] = list{id, parameter("version", "query", "The version: the state after that many events. Default: the newest.", object{"type": "integer", "minimum": 1})}
	state["responses"].(answers)["400"] = responseRef("400")
	paths[root+"/{id}"] = object{"get": state}

	history := operation("getHistory", "Events of an instance, oldest first", answers{
		"200": d.response("A page of the events.", d.history()),
	}, "400", "404", "500", "503")
	history["parameters"] = list{id,
		parameter("after", "query", "Only the events after this version.", object{"type": "integer", "minimum": 0, "default": 0}),
		parameter("limit", "query", "The largest number of events.", object{"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}),
	}
	paths[root+"/{id}/history"] = object{"get": history}
	paths[root+"/{id}/await"] = object{"get": d.await(id)}
	paths[root+"/{id}/events"] = object{"get": d.events(id)}
	if w.HasStates() {
		ok := d.response("The state machine.", d.machine())
		ok["content"].(object)["text/vnd.mermaid"] = object{"schema": object{"type": "string"}}
		machine := operation("getMachine", "The state machine", answers{"200": ok}, "400")
		machine["parameters"] = list{parameter("format", "query", "Otherwise the Accept header decides.", enumSchema(list{"json", "mermaid"}))}
		paths[root+"/machine"] = object{"get": machine}
	}
	d.unions()
	d.errors()
	return object{
		"openapi": "3.1.0",
		"info":    info,
		"paths":   paths,
		"components": object{
			"schemas":   d.schemas,
			"responses": d.responses(),
			"parameters": object{"IdempotencyKey": object{
				"name": "Idempotency-Key", "in": "header", "schema": object{"type": "string", "minLength": 1},
				"description": "Makes it safe to send the input again: every repeat returns the first outcome. A key belongs to one instance and one input.",
			}},
		},
	}
}

// await is the operation that waits for an instance.
func (d *openAPIDocument) await(id object) object {
	op := operation("await", "Waits for an instance, by default until it has completed", answers{
		"200": d.response("The state, when the instance is as the request says.", d.view()),
		"204": object{"description": "It is not so within the timeout. Send the request again."},
	}, "400", "404", "409", "500", "503")
	parameters := list{id,
		parameter("version", "query", "Wait for this version.", object{"type": "integer", "minimum": 0}),
		parameter("delivered", "query", "Wait until the effects of the decision with this version, and those that follow from their results, are delivered.",
			object{"type": "integer", "minimum": 0}),
		parameter("timeout", "query", "How many seconds to wait.", object{"type": "integer", "minimum": 0, "maximum": 300, "default": 30}),
	}
	if d.e.w.HasStates() {
		parameters = append(parameters, parameter("status", "query", "Wait for one of these statuses.", object{"type": "array", "items": d.status()}))
	}
	op["parameters"] = parameters
	return op
}

// events is the operation that streams events.
func (d *openAPIDocument) events(id object) object {
	op := operation("streamEvents", "Events of an instance as they are stored", answers{
		"200": object{
			"description": "Server-sent events. Each has the version of its event as the id, and an object as in the history as the data. The event \"end\" follows the last one of a completed instance.",
			"content":     object{"text/event-stream": object{"schema": object{"type": "string"}}},
		},
	}, "400", "404", "500", "503")
	op["parameters"] = list{id,
		parameter("after", "query", "Only the events after this version. Default: the header Last-Event-ID, or 0.", object{"type": "integer", "minimum": 0}),
		parameter("Last-Event-ID", "header", "The id of the last event that the client has received.", object{"type": "string"}),
	}
	return op
}

// answers are the responses of an operation by status.
type answers map[string]object

func operation(id, summary string, responses answers, failures ...string) object {
	for _, status := range failures {
		responses[status] = responseRef(status)
	}
	return object{"operationId": id, "summary": summary, "responses": responses}
}

func parameter(name, in, description string, schema object) object {
	p := object{"name": name, "in": in, "description": description, "schema": schema}
	if in == "path" {
		p["required"] = true
	}
	return p
}

func schemaRef(name string) object { return object{"$ref": "#/components/schemas/" + name} }

func responseRef(status string) object { return object{"$ref": "#/components/responses/" + status} }

func (d *openAPIDocument) response(description string, schema object) object {
	return object{"description": description, "content": object{"application/json": object{"schema": schema}}}
}

func (d *openAPIDocument) input(in *spec.Message) object {
	d.message(in)
	d.identify(in)
	names := spec.NamesOfInput(in.Name.Text)
	var events list
	for _, name := range d.e.uses.inputs[in.Name.Text].events {
		event := d.e.w.Events[slices.IndexFunc(d.e.w.Events, func(m *spec.Message) bool { return m.Name.Text == name })]
		events = append(events, variantSchema(event.Name))
	}
	d.schemas[names.Outcome] = fixedObject(object{
		"outcome": constSchema("accepted"),
		"version": object{"type": "integer", "format": "int64", "description": "Version of the instance after the input: the number of its events."},
		"events":  object{"type": "array", "items": oneSchemaOf(events)},
	})
	op := operation("send"+in.Name.Text, "Sends "+in.Name.Text, answers{
		"200": d.response("Accepted: the events are stored.", schemaRef(names.Outcome)),
	}, "400", "408", "409", "413", "415", "422", "500", "503", "504")
	if in.Doc != "" {
		op["description"] = in.Doc
	}
	op["parameters"] = list{object{"$ref": "#/components/parameters/IdempotencyKey"}}
	op["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": schemaRef(in.Name.Text)}}}
	return op
}

// identify adds to the schema of an input what the runtime asks of ids and unique keys, and the name that an input may carry.
func (d *openAPIDocument) identify(in *spec.Message) {
	properties := d.schemas[in.Name.Text].(object)["properties"].(object)
	properties["type"] = object{"type": "string", "const": in.Name.Stored(), "description": "The name of the input."}
	fields := []string{in.ID.Stored()}
	for _, unique := range d.e.w.Unique {
		if unique.Input.Text == in.Name.Text {
			fields = append(fields, unique.Field.Stored())
		}
	}
	for _, name := range fields {
		field := properties[name].(object)
		field["minLength"], field["maxLength"] = 1, maxIDLength
	}
}

// maxIDLength is how many bytes an id or a unique key may have, as store.MaxIDLength says. A schema counts characters, so it lets
// more through.
const maxIDLength = 512

// message adds the schema of an input, an event or a rejection. Unknown fields are taken and dropped.
func (d *openAPIDocument) message(m *spec.Message) {
	schema := d.fields(m.Fields, false)
	if m.Doc != "" {
		schema["description"] = m.Doc
	}
	d.schemas[m.Name.Text] = schema
}

func (d *openAPIDocument) fields(fields []*spec.Field, unset bool) object {
	properties, needed := object{}, list{}
	for _, f := range fields {
		schema := d.value(&f.Type, unset)
		if f.Doc != "" {
			if said, ok := schema["description"].(string); ok {
				schema["description"] = f.Doc + "\n\n" + said
			} else {
				schema["description"] = f.Doc
			}
		}
		properties[f.Name.Stored()] = schema
		if required(f) {
			needed = append(needed, f.Name.Stored())
		}
	}
	schema := object{"type": "object", "properties": properties}
	if len(needed) > 0 {
		schema["required"] = needed
	}
	return schema
}

// fixedObject is an object that has all of its properties.
func fixedObject(properties object) object {
	return object{"type": "object", "properties": properties, "required": slices.Sorted(maps.Keys(properties))}
}

// variantSchema is an event or a rejection with its name.
func variantSchema(name spec.Name) object {
	return fixedObject(object{"type": constSchema(name.Stored()), "payload": schemaRef(name.Text)})
}

// oneSchemaOf is any of some schemas. There is no value of none.
func oneSchemaOf(schemas list) object {
	switch len(schemas) {
	case 0:
		return object{"not": object{}}
	case 1:
		return schemas[0].(object)
	default:
		return object{"oneOf": schemas}
	}
}

func (d *openAPIDocument) unions() {
	union := func(of string, messages []*spec.Message) {
		var variants list
		for _, m := range messages {
			if m == notAccepted {
				d.schemas[m.Name.Text] = fixedObject(object{"input": object{"type": "string"}, "state": d.status()})
			} else {
				d.message(m)
			}
			variants = append(variants, variantSchema(m.Name))
		}
		d.schemas[of] = oneSchemaOf(variants)
	}
	union("Event", d.e.w.Events)
	if rejections := d.e.rejections(); len(rejections) > 0 {
		union("Rejection", rejections)
	}
}

// status describes a state: one of those that are declared, or a text for those of another service.
func (d *openAPIDocument) status() object {
	if d.e.w.External {
		return object{"type": "string"}
	}
	var names list
	for _, s := range d.e.w.States {
		names = append(names, s.Name.Stored())
	}
	return enumSchema(names)
}

func constSchema(value string) object { return object{"type": "string", "const": value} }

func enumSchema(values list) object { return object{"type": "string", "enum": values} }

func (d *openAPIDocument) view() object {
	state := d.fields(d.e.w.State, true)
	if d.e.w.HasStates() {
		state["properties"].(object)["status"] = d.status()
		needed, _ := state["required"].(list)
		state["required"] = append(list{"status"}, needed...)
	}
	d.schemas[d.e.w.StateType] = state
	return fixedObject(object{
		"state":         schemaRef(d.e.w.StateType),
		"version":       integer64(),
		"completed":     object{"type": "boolean"},
		"last_event_at": object{"type": "string", "format": "date-time"},
	})
}

func integer64() object { return object{"type": "integer", "format": "int64"} }

func (d *openAPIDocument) history() object {
	event := fixedObject(object{
		"version":         integer64(),
		"global_sequence": integer64(),
		"recorded_at":     object{"type": "string", "format": "date-time"},
	})
	return fixedObject(object{
		"events": object{"type": "array", "items": object{"allOf": list{schemaRef("Event"), event}}},
		"more":   object{"type": "boolean", "description": "Whether more events follow."},
	})
}

func (d *openAPIDocument) machine() object {
	text := object{"type": "string"}
	texts := object{"type": "array", "items": text}
	move := fixedObject(object{"event": text, "to": text})
	transition := fixedObject(object{"input": text, "events": object{"type": "array", "items": move}, "effects": texts, "timers": texts})
	transition["properties"].(object)["reject"], transition["properties"].(object)["doc"] = text, text
	state := fixedObject(object{"name": text, "terminal": object{"type": "boolean"}, "accepts": object{"type": "array", "items": transition}})
	state["properties"].(object)["doc"] = text
	target := fixedObject(object{"workflow": text, "input": text})
	target["properties"].(object)["parent"] = object{"type": "boolean"}
	effect := fixedObject(object{"name": text, "returns": texts})
	for _, name := range []string{"doc", "dead", "ended", "refused"} {
		effect["properties"].(object)[name] = text
	}
	effect["properties"].(object)["starts"], effect["properties"].(object)["sends"] = target, target
	timer := fixedObject(object{"name": text, "input": text, "while": texts})
	for _, name := range []string{"doc", "after", "schedule"} {
		timer["properties"].(object)[name] = text
	}
	list := func(items object) object { return object{"type": "array", "items": items} }
	return fixedObject(object{"workflow": text, "states": list(state), "effects": list(effect), "timers": list(timer)})
}

// failures are the statuses of errors, each with its codes.
var failures = []struct {
	status, description string
	codes               []string
}{
	{"400", "The request is not well formed.", []string{"malformed_json", "bad_request"}},
	{"404", "The path, input, instance or version does not exist.", []string{"unknown_input", "unknown_instance", "unknown_version"}},
	{"409", "The input was rejected, or came too late: nothing was stored. Or what the request waits for cannot happen any more.",
		[]string{"rejected", "already_completed", "unique_key_conflict", "never_reached", "dead_effects"}},
	{"408", "The input took too long to arrive.", []string{"request_timeout"}},
	{"413", "The input is too large.", []string{"too_large"}},
	{"415", "The input is not sent as application/json.", []string{"unsupported_media_type"}},
	{"422", "The input does not match the declaration, or its Idempotency-Key was used for another input.", []string{"invalid_input", "idempotency_key_reused"}},
	{"500", "A fault of the server.", []string{"internal"}},
	{"503", "Try again later. Nothing was stored.", []string{"unavailable", "paused"}},
	{"504", "It is unknown whether the input was stored. With an Idempotency-Key it is safe to send it again.", []string{"outcome_unknown"}},
}

func (d *openAPIDocument) errors() {
	text := object{"type": "string"}
	d.schemas["ironflow.Mistake"] = fixedObject(object{
		"path":    object{"type": "string", "description": "As in items[2].sku; empty for the document itself."},
		"message": text,
	})
	properties := object{
		"error":   text,
		"message": text,
		"version": object{"type": "integer", "format": "int64", "description": "Version of the instance, with rejected, already_completed and never_reached."},
		"mistakes": object{"type": "array", "items": schemaRef("ironflow.Mistake"), "minItems": 1,
			"description": "With invalid_input: all mistakes, in the order of the document."},
	}
	if d.e.hasRejections() {
		properties["rejection"] = object{"allOf": list{schemaRef("Rejection")}, "description": "With rejected."}
	}
	d.schemas["ironflow.Error"] = object{"type": "object", "properties": properties, "required": list{"error", "message"}}
}

func (d *openAPIDocument) responses() object {
	responses := object{}
	for _, f := range failures {
		codes := object{"type": "object", "properties": object{"error": object{"type": "string", "enum": f.codes}}}
		response := d.response(f.description, object{"allOf": list{schemaRef("ironflow.Error"), codes}})
		if f.status == "503" {
			response["headers"] = object{"Retry-After": object{"description": "Seconds.", "schema": object{"type": "integer"}}}
		}
		responses[f.status] = response
	}
	return responses
}

// scalarSchema is the schema of a built-in type, as package codec writes it.
func scalarSchema(name string, unset bool) object {
	switch name {
	case "bool":
		return object{"type": "boolean"}
	case "int", "int64":
		schema := integer64()
		schema["description"] = plainInteger
		return schema
	case "int32":
		return object{"type": "integer", "format": "int32", "description": plainInteger}
	case "uint32":
		return object{"type": "integer", "format": "uint32", "minimum": 0, "maximum": uint32(math.MaxUint32), "description": plainInteger}
	case "uint64":
		return object{"type": "integer", "format": "uint64", "minimum": 0, "maximum": uint64(math.MaxUint64), "description": plainInteger}
	case "float64":
		return object{"type": "number", "format": "double"}
	case "time":
		return object{"type": "string", "format": "date-time"}
	case "duration":
		return object{"type": "string", "examples": list{"1m30s"}, "pattern": durationPattern}
	case "bytes":
		return object{"type": list{"string", "null"}, "contentEncoding": "base64"}
	case "decimal":
		if unset {
			return object{"type": "string", "pattern": `^(-?[0-9]+(\.[0-9]+)?)?$`}
		}
		return object{"type": "string", "pattern": `^-?[0-9]+(\.[0-9]+)?$`}
	case "json":
		return object{}
	default:
		return object{"type": "string"}
	}
}

// plainInteger says what no schema can: 1.0 is an integer for JSON Schema, and a mistake for the codec.
const plainInteger = "Written without a fraction and without an exponent: 1, not 1.0 or 1e0."

// durationPattern is what time.ParseDuration reads.
const durationPattern = `^[-+]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$`

// value is the schema of a type. In a state, enums and decimals may be unset.
func (d *openAPIDocument) value(ref *spec.TypeRef, unset bool) object {
	switch ref.Kind {
	case spec.Scalar:
		return scalarSchema(ref.Name, unset)
	case spec.Optional:
		return object{"anyOf": list{d.value(ref.Elem, unset), object{"type": "null"}}}
	case spec.List:
		return object{"type": list{"array", "null"}, "items": d.value(ref.Elem, unset)}
	case spec.Map:
		return object{"type": list{"object", "null"}, "additionalProperties": d.value(ref.Elem, unset)}
	default:
		return d.declared(ref.Decl, unset)
	}
}

// declared adds the schema of a declared type, unless it is there, and refers to it.
func (d *openAPIDocument) declared(t *spec.Type, unset bool) object {
	name := t.Name.Text
	if unset = unset && canBeUnset(t, map[*spec.Type]bool{}); unset {
		name += ".InState"
	}
	if _, there := d.schemas[name]; there {
		return schemaRef(name)
	}
	d.schemas[name] = object{} // so that a type that contains itself ends here
	var schema object
	switch t.Kind {
	case spec.Struct:
		schema = d.fields(t.Fields, unset)
	case spec.Enum:
		var values list
		for _, v := range t.Values {
			values = append(values, v.Name.Stored())
		}
		if unset {
			values = append(values, "")
		}
		schema = enumSchema(values)
	default: // its own JSON methods decide
		schema = object{"description": fmt.Sprintf("The JSON of the Go type %s.", t.Go.Name)}
	}
	if t.Doc != "" {
		schema["description"] = t.Doc
	}
	d.schemas[name] = schema
	return schemaRef(name)
}

// canBeUnset reports whether a type has an enum or a decimal in it.
func canBeUnset(t *spec.Type, seen map[*spec.Type]bool) bool {
	if t.Kind == spec.Enum {
		return true
	}
	if seen[t] {
		return false
	}
	seen[t] = true
	for _, f := range t.Fields {
		ref := f.Type.Innermost()
		if ref.Kind == spec.Scalar && ref.Name == "decimal" || ref.Decl != nil && canBeUnset(ref.Decl, seen) {
			return true
		}
	}
	return false
}
