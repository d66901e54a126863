package store

import (
	"context"
	"time"
)

// SubjectKeys is the ability of a store to keep the keys that personal fields are encrypted with, one for each subject. A subject has one
// key at most, for ever: once the key is forgotten, the subject gets no other.
//
// A commit adds the keys of InputRecords.Keys as a part of it. If a unit of work holds a connection, it has a method SubjectKeys as well, which
// uses that connection.
type SubjectKeys interface {
	// SubjectKeys returns the keys of distinct subjects, in their order. The key of an unknown subject has no Secret and is not forgotten.
	SubjectKeys(ctx context.Context, subjects []string) ([]SubjectKey, error)

	// AddSubjectKeys stores keys of distinct subjects. If one of the subjects has a key or had one, it fails with ErrConflict and stores
	// nothing. So does a commit with such keys.
	AddSubjectKeys(ctx context.Context, keys []SubjectKey) error

	// ForgetSubject deletes the key of a subject in one statement, and keeps a record of that. It reports whether the subject had a key. A
	// subject that is forgotten already stays as it is, and the result is false.
	ForgetSubject(ctx context.Context, subject ForgottenSubject) (had bool, err error)
}

// SubjectKey is the key of a subject.
type SubjectKey struct {
	Subject   string
	Secret    []byte // 32 bytes; nil for an unknown or forgotten subject
	CreatedAt time.Time

	// Forgotten says when and why the key was deleted. It is nil if it was not.
	Forgotten *ForgottenSubject
}

// ForgottenSubject records that the key of a subject was deleted.
type ForgottenSubject struct {
	Subject string
	At      time.Time
	By      string // who did it
	Reason  string
}
