// Package bulk sends one input to many instances. Its progress is stored with the audit record of the run, so that a run which ended early
// goes on where it was: the instances of a page are stored before any of them gets the input, and the input of each instance has an id that
// the run determines, so that it is decided once, however often a page is sent.
package bulk
