package storetest

import (
	"errors"
	"reflect"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var subjectRules = []rule{
	{name: "keys are returned in the order of subjects, and unknown ones have no secret", check: readKeys},
	{name: "a subject gets one key, and a second one is a conflict that stores nothing", check: addKeysTwice},
	{name: "a commit adds keys, or is a conflict that stores nothing", check: commitKeys},
	{name: "records of inputs add keys", check: recordKeys, needs: []string{"InputLog"}},
	{name: "a forgotten subject has no key, keeps its record and gets no other key", check: forgetKeys},
}

func subjectKey(subject string, fill byte) store.SubjectKey {
	secret := make([]byte, 32)
	for i := range secret {
		secret[i] = fill
	}
	return store.SubjectKey{Subject: subject, Secret: secret, CreatedAt: at(1)}
}

func (k *kit) wantKeys(want ...store.SubjectKey) {
	k.Helper()
	var subjects []string
	for _, key := range want {
		subjects = append(subjects, key.Subject)
	}
	if got, err := k.subjects.SubjectKeys(k.ctx, subjects); err != nil || !reflect.DeepEqual(got, want) {
		k.Errorf("SubjectKeys: got %+v, error %v, want %+v", got, err, want)
	}
}

func (k *kit) addKeys(keys ...store.SubjectKey) {
	k.Helper()
	if err := k.subjects.AddSubjectKeys(k.ctx, keys); err != nil {
		k.Fatalf("AddSubjectKeys: %v", err)
	}
}

func readKeys(k *kit) {
	a, b := subjectKey("it's \"a\" 🙂", 1), subjectKey("b", 2)
	k.addKeys()
	k.addKeys(b, a)
	k.wantKeys(a, store.SubjectKey{Subject: "c"}, b)
	if got, err := k.subjects.SubjectKeys(k.ctx, nil); err != nil || len(got) > 0 {
		k.Errorf("no subjects: got %v, error %v", got, err)
	}
	k.wantRows(map[string]int{"subject_keys": 2})
}

func addKeysTwice(k *kit) {
	a := subjectKey("a", 1)
	k.addKeys(a)
	before := k.dump()
	if err := k.subjects.AddSubjectKeys(k.ctx, []store.SubjectKey{subjectKey("b", 2), subjectKey("a", 3)}); !errors.Is(err, store.ErrConflict) {
		k.Errorf("got error %v, want a conflict", err)
	}
	k.unchanged(before)
	k.wantKeys(a, store.SubjectKey{Subject: "b"})
}

func commitKeys(k *kit) {
	first := change(order("1"), 0, 1)
	first.Inputs.Keys = []store.SubjectKey{subjectKey("a", 1)}
	k.commit(first)
	k.wantKeys(subjectKey("a", 1))
	before := k.dump()
	again := change(order("2"), 0, 1)
	again.Inputs.Keys = []store.SubjectKey{subjectKey("b", 2), subjectKey("a", 3)}
	if err := k.try(again); !errors.Is(err, store.ErrConflict) {
		k.Errorf("got error %v, want a conflict", err)
	}
	k.unchanged(before)
}

func recordKeys(k *kit) {
	records := store.InputRecords{Keys: []store.SubjectKey{subjectKey("a", 1)}}
	if err := k.inputLog.RecordInputs(k.ctx, records); err != nil {
		k.Fatalf("RecordInputs: %v", err)
	}
	k.wantKeys(subjectKey("a", 1))
	if err := k.inputLog.RecordInputs(k.ctx, records); !errors.Is(err, store.ErrConflict) {
		k.Errorf("got error %v, want a conflict", err)
	}
}

func forgetKeys(k *kit) {
	k.addKeys(subjectKey("a", 1), subjectKey("b", 2))
	forget := func(subject string, wantHad bool) store.SubjectKey {
		k.Helper()
		f := store.ForgottenSubject{Subject: subject, At: at(5), By: "ann", Reason: "it's \"asked\" for"}
		if had, err := k.subjects.ForgetSubject(k.ctx, f); err != nil || had != wantHad {
			k.Errorf("ForgetSubject %s: got %v, error %v", subject, had, err)
		}
		return store.SubjectKey{Subject: subject, CreatedAt: at(1), Forgotten: &f}
	}
	a := forget("a", true)
	never := forget("never", false)
	never.CreatedAt = at(5)
	k.wantKeys(a, subjectKey("b", 2), never)
	if had, err := k.subjects.ForgetSubject(k.ctx, store.ForgottenSubject{Subject: "a", At: at(9), By: "bob"}); err != nil || had {
		k.Errorf("again: got %v, error %v", had, err)
	}
	k.wantKeys(a)
	if err := k.subjects.AddSubjectKeys(k.ctx, []store.SubjectKey{subjectKey("a", 3)}); !errors.Is(err, store.ErrConflict) {
		k.Errorf("a key for a forgotten subject: got error %v, want a conflict", err)
	}
	k.wantKeys(a, subjectKey("b", 2))
}
