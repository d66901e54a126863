package workflow

import (
	"errors"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

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

// EncodeRejectionForOthers returns a rejection as another workflow stores it: its type and its payload. A rejection with personal fields has no
// payload there, because nothing encrypts it.
func (w *Workflow) EncodeRejectionForOthers(rejection any) (Encoded, error) {
	encoded, err := w.EncodeRejection(rejection)
	if err != nil {
		return Encoded{}, fmt.Errorf("rejection %w", err)
	}
	if p := w.Personal(); p != nil && len(p.Rejections[encoded.Type]) > 0 {
		encoded.Payload = nil
	}
	return encoded, nil
}

// errSubjectChanged refuses a decision after which values of one subject would be stored with the key of another: snapshots have the whole state.
var errSubjectChanged = errors.New("the decision changes the subject of the instance, whose key encrypts its personal fields; " +
	"the subject stays once it is set")

// subjectAfter returns the subject of a decision that leads from a state to another one.
func (w *typed[S, I, E, F, R]) subjectAfter(before, after S, input any) (string, error) {
	subject, err := w.Subject(after, input)
	if err != nil || w.def.Personal == nil || w.def.Subject == nil {
		return subject, err
	}
	var none I
	if was := w.def.Subject(before, none); was != "" && was != w.def.Subject(after, none) {
		return "", errSubjectChanged
	}
	return subject, nil
}
