package generate

import (
	"errors"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// Load reads the declarations that the paths name. When any of them has a mistake, the error has the mistakes of all of
// them, as [New] returns them.
func Load(paths []string) ([]*spec.Workflow, error) {
	found, err := find(paths)
	if err != nil {
		return nil, err
	}
	packages, together := loadAll(found.files, Options{})
	errs := []error{together}
	var list []*spec.Workflow
	for _, p := range packages {
		errs = append(errs, p.err)
		list = append(list, p.w)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return list, nil
}
