package workflow

import "github.com/ironflow-gen/ironflow/runtime/store"

// PersonalFields are the personal fields of a workflow: paths into payloads, by the stored names of messages. The steps of a path are separated by
// dots, and * stands for each element of a list or map, as in guests.*.name. A dot or a backslash in a name follows a backslash.
type PersonalFields struct {
	State                               []string
	Inputs, Events, Effects, Rejections map[string][]string
}

func (w *typed[S, I, E, F, R]) Personal() *PersonalFields { return w.def.Personal }

// personal is Personal without nil.
func (w *typed[S, I, E, F, R]) personal() PersonalFields {
	if w.def.Personal == nil {
		return PersonalFields{}
	}
	return *w.def.Personal
}

func (w *typed[S, I, E, F, R]) Subject(state, input any) (string, error) {
	if w.def.Personal == nil || w.def.Subject == nil {
		return "", nil
	}
	s, _ := state.(S)
	in, _ := input.(I)
	subject := w.def.Subject(s, in)
	if subject == "" {
		return "", nil
	}
	return subject, store.CheckIdentifier(store.SubjectName, subject)
}
