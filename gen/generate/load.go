package generate

import (
	"errors"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// Load reads the declarations that the paths name. When any of them has a mistake, the error has the mistakes of all of
// them, as [New] returns them.
func Load(paths []string) ([]*spec.Workflow, error) {
	files, err := find(paths)
	if err != nil {
		return nil, err
	}
	packages := make([]pkg, len(files))
	inParallel(len(files), func(i int) { packages[i] = load(files[i], Options{}) })
	var errs []error
	if together := validateTogether(packages); len(together) > 0 {
		errs = append(errs, together)
	}
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
