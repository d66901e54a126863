// Package enrolment is a workflow with personal fields, for the tests of package runtime.
package enrolment

//go:generate go tool ironflow-gen
