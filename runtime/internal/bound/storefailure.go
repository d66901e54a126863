package bound

import (
	"github.com/ironflow-gen/ironflow/runtime/internal/unknown"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// StoreError marks a failure of the store, which may pass; what the store says by contract is none.
type StoreError struct{ Err error }

func (e *StoreError) Error() string { return e.Err.Error() }
func (e *StoreError) Unwrap() error { return e.Err }

// FromStore marks err unless it is one of the contract's, or is marked unknown.
func FromStore(err error) error {
	_, conflict := usererr.OwnAs[*store.UniqueKeyConflict](err)
	_, lost := usererr.OwnAs[*store.LeaseLost](err)
	_, elsewhere := usererr.OwnAs[*store.Elsewhere](err)
	if err == nil || conflict || lost || elsewhere || usererr.OwnIs(err, store.ErrConflict) || unknown.Is(err) {
		return err
	}
	return &StoreError{err}
}
