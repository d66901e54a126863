package spec

// goNames fills in the Go names that the front end left to be made from the names of the declaration.
func (w *Workflow) goNames() {
	set(&w.StateType, "State")
	set(&w.StatusType, "Status")
	set(&w.StatusField, "Status")
	for _, t := range w.Types {
		fieldGoNames(t.Fields)
		for i := range t.Values {
			v := &t.Values[i]
			set(&v.GoName, EnumValueName(t.Name.Text, v.Name.Text))
		}
	}
	fieldGoNames(w.State)
	for _, m := range w.Messages() {
		fieldGoNames(m.Fields)
	}
	for _, s := range w.States {
		set(&s.GoName, StatusName(s.Name.Text))
	}
}

func fieldGoNames(fields []*Field) {
	for _, f := range fields {
		set(&f.GoName, GoName(f.Name.Text))
	}
}

func set(name *string, made string) {
	if *name == "" {
		*name = made
	}
}
