// Package await lets any number of callers wait until something has become of instances. Commits of this process wake them directly.
// For commits of other processes one subscription to the feed serves all callers, however many there are.
package await
