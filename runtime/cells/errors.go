package cells

import (
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// KeyElsewhere says that an input asks for a unique key whose partition is not that of its instance. Keys of one partition are in one cell, and
// only there they are unique. Nothing was stored. The error text does not have the key, because it is a part of the input.
type KeyElsewhere struct {
	Instance  store.InstanceKey
	Key       string
	Separator string // as configured
}

func (e *KeyElsewhere) Error() string {
	if e.Separator == "" {
		return fmt.Sprintf("%s: without Config.Separator, the unique key must be the id of the instance", e.Instance)
	}
	return fmt.Sprintf("%s: the unique key must have the same text before %q as the id of the instance, as in %q and %q",
		e.Instance, e.Separator, "ann"+e.Separator+"order-1", "ann"+e.Separator+"basket")
}

// GenerationDropped says that the list lacks a generation that was not retired, so that its instances would not be found. Add the generation again.
// To leave it out, call Router.Retire first.
type GenerationDropped struct {
	Generation int64
	Cells      []string
}

func (e *GenerationDropped) Error() string {
	return fmt.Sprintf("generation %d, with the cells %q, is missing in the list, but it is not retired: its instances would not be found; "+
		"add it again, and call Router.Retire before you leave it out", e.Generation, e.Cells)
}

// GenerationInUse says that a generation cannot be retired, because instances are left in it. When they are deleted by retention, retire it
// again.
type GenerationInUse struct {
	Generation int64
	Cell       string            // one that has instances
	Instance   store.InstanceKey // one of them
}

func (e *GenerationInUse) Error() string {
	return fmt.Sprintf("generation %d cannot be retired: cell %q has %s; wait until such instances are completed and deleted, see runtime.Retention",
		e.Generation, e.Cell, e.Instance)
}
