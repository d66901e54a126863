package spec

// Messages show how to write something in the form that the declaration has.

// entry writes a key with its value.
func (f Form) entry(key, value string) string {
	if f == Go {
		return key + "=" + value
	}
	return key + ": " + value
}

// partEntry writes a part of a limit.
func (f Form) partEntry(key, value string) string {
	if f == Go {
		return key + ":" + value
	}
	return f.entry(key, value)
}

// fieldEntry writes the declaration of a field.
func (f Form) fieldEntry(name string, ref *TypeRef) string {
	if f == Go {
		return GoName(name) + " " + f.typeText(ref)
	}
	return name + ": " + TypeText(ref)
}

// personalEntry writes a personal field.
func (f Form) personalEntry() string {
	if f == Go {
		return "Email string `ironflow:\"personal\"`"
	}
	return "email: {type: string, personal: true}"
}

// NotPersonalOption is what the tag of a Go field says if the field is NotPersonal.
const NotPersonalOption = "personal=false"

// notPersonalEntry says that a field is not personal.
func (f Form) notPersonalEntry() string {
	if f == Go {
		return "`ironflow:\"" + NotPersonalOption + "\"`"
	}
	return `"personal: false"`
}

// deliveryEntry writes starts or sends.
func (f Form) deliveryEntry(key string) string {
	if f == Go {
		return key + "=hotel/Book"
	}
	return key + ": {workflow: hotel, input: Book}"
}

// rejectEntry writes that a state refuses an input.
func (f Form) rejectEntry(input string) string {
	if f == Go {
		return "//ironflow:accepts " + input + " reject=..."
	}
	return input + ": {reject: ...}"
}

// acceptsWord and terminalWord are what a state says.
func (f Form) acceptsWord() string {
	if f == Go {
		return "//ironflow:accepts"
	}
	return "accepts"
}

func (f Form) terminalWord() string {
	if f == Go {
		return "//ironflow:terminal"
	}
	return `"terminal: true"`
}

func (f Form) waitsWord() string {
	if f == Go {
		return "//ironflow:waits " + WaitsClient
	}
	return `"waits: ` + WaitsClient + `"`
}

// goScalars are the built-in types in Go.
var goScalars = map[string]string{
	"decimal": "string", "time": "time.Time", "duration": "time.Duration", "bytes": "[]byte", "json": "json.RawMessage",
}

// typeText writes a type.
func (f Form) typeText(ref *TypeRef) string {
	if f == YAML {
		return TypeText(ref)
	}
	switch ref.Kind {
	case Optional:
		return "*" + f.typeText(ref.Elem)
	case List:
		return "[]" + f.typeText(ref.Elem)
	case Map:
		return "map[string]" + f.typeText(ref.Elem)
	}
	if name := goScalars[ref.Name]; name != "" && ref.Kind == Scalar {
		return name
	}
	return ref.Name
}

// workflowKey is the key of the workflow's name.
func (f Form) workflowKey() string {
	if f == Go {
		return "type"
	}
	return "workflow"
}
