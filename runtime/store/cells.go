package store

import (
	"context"
	"fmt"
)

// Cells is the ability of a store to be one of several stores that share the instances of a system. Package cells says how they do it.
//
// The cells that take new instances together are a generation. Generations count from 1. Before an instance is created in a cell of a newer
// generation, the older cells that could have it keep its id free with a mark.
type Cells interface {
	// CellRecord returns what the store knows of its cell; the zero value if it has never been one.
	CellRecord(ctx context.Context) (CellRecord, error)

	// PutCellRecord replaces the record. record.Revision must be the number of the stored one, which grows by 1; otherwise the error is
	// ErrConflict. When it returns, no commit is in progress that was checked against an earlier OldestList.
	PutCellRecord(ctx context.Context, record CellRecord) error

	// Mark keeps the ids of a set of distinct instances free, on behalf of a generation. It returns those that exist here, and marks the others.
	// It waits for a commit that is creating one of them. A mark of an older generation is replaced, one of a newer generation stays.
	//
	// While an id is marked, Read and Begin return it with Instance.Elsewhere, and a change that creates it fails with ErrConflict. A mark is
	// not an event: no list and no feed has it.
	Mark(ctx context.Context, generation int64, instances []InstanceKey) (exist []InstanceKey, err error)

	// Unmark deletes the marks of a set of distinct instances, as far as they are of this or an older generation.
	Unmark(ctx context.Context, generation int64, instances []InstanceKey) error

	// UnmarkAll deletes up to limit marks of this and older generations, and returns how many.
	UnmarkAll(ctx context.Context, generation int64, limit int) (deleted int, err error)

	// KeepKeys takes distinct unique keys for instances of other stores, as far as they are free. It returns who holds each of them then, in
	// the order of keys.
	KeepKeys(ctx context.Context, keys []KeptKey) (holders []string, err error)

	// FreeKeys frees unique keys that KeepKeys took, as far as their instances hold them. A Key that is empty stands for all keys of the
	// instance. It frees nothing that an instance of this store holds.
	FreeKeys(ctx context.Context, keys []KeptKey) error
}

// CellRecord is what a store knows of its cell.
type CellRecord struct {
	Store    string // a random name of the store, which tells it from all others
	Name     string // of the cell
	List     []byte // JSON of the newest list of cells, as package cells writes it
	Revision int64

	// OldestList is the newest generation of the oldest list of cells by which instances may be created here. While it is 0, engines
	// without a list may create instances, too. See Change.List.
	OldestList int64
}

// KeptKey is a unique key that is held by an instance of another store.
type KeptKey struct {
	Workflow, Key string
	Instance      string // its id
}

// ManyCells is the ability of a store that stands for the stores of several cells. What one store has by itself, such as its feed, its
// projections and its replica, is asked of the stores of the cells.
type ManyCells interface {
	// CellStores returns the stores of all cells, sorted by the names of the cells.
	CellStores() []CellStore
}

// CellStore is the store of one cell.
type CellStore struct {
	Cell  string // its name
	Store Store
	Keys  SubjectKeys // has the keys that encrypt personal fields; nil if they are in Store
}

// Elsewhere says that an instance is not for this store. Nothing was stored.
//
// Clients of a cells.Router see this error only if the store has instances of a newer list of cells than that of the process. Then the
// router adds what to do.
type Elsewhere struct {
	Instance InstanceKey

	// Generation is the one that keeps the id, or the oldest one whose processes may create instances here; 0 if the router knows better.
	Generation int64

	Cell string // that has the instance; empty if it is unknown
	Err  error  // of another cell that may have the instance, and that did not answer
}

func (e *Elsewhere) Error() string {
	switch {
	case e.Err != nil:
		return fmt.Sprintf("%s: it is unknown whether another cell has the instance: %v", e.Instance, e.Err)
	case e.Cell != "":
		return fmt.Sprintf("%s: the instance is in cell %s", e.Instance, e.Cell)
	case e.Generation > 0:
		return fmt.Sprintf("%s: the store is a cell, and generation %d of the cells may keep this id for another store; "+
			"send the input by a cells.Router whose list has this generation", e.Instance, e.Generation)
	}
	return fmt.Sprintf("%s: the instance is not for this cell", e.Instance)
}

// Unwrap returns Err.
func (e *Elsewhere) Unwrap() error { return e.Err }

// Incomplete says that some of the cells of a system did not answer. What a call returned with it is what the other cells have.
type Incomplete struct {
	Cells []string // that did not answer, sorted

	// Err says why. It is not unwrapped: callers who wait for a store that is unavailable have an answer already.
	Err error
}

func (e *Incomplete) Error() string {
	return fmt.Sprintf("ironflow: what the cells %q have is missing: %v", e.Cells, e.Err)
}
