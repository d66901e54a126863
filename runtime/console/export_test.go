package console

import (
	"maps"
	"slices"
)

// Routes are the last segments of all paths that are served.
func Routes() []string {
	return append(slices.Sorted(maps.Keys(new(console).routes())), "live", styleAsset.name, scriptAsset.name)
}

// Changes are the names of all changes.
func Changes() []string { return slices.Sorted(maps.Keys(changes)) }
