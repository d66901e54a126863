// Package door has six mistakes, the same as in ../yaml. `go run ./cmd/ironflow-gen ./testdata/six/gotypes` prints them, each with
// its place.
package door

// State is whether the door is open.
//
//ironflow:workflow type=door id=DoorID
type State struct {
	Status   Status
	OpenedAt *tine
}

//ironflow:input
type Open struct{ DoorID string }

//ironflow:input
type Close struct{ DoorID string }

//ironflow:event
type Opened struct{}

//ironflow:event
type Closed struct{}

//ironflow:event
type Jammed struct{}

//ironflow:effect returns=Opne
type Ring struct{}

//ironflow:timer shut input=Close after=30 while=open

type Status string

const (
	//ironflow:accepts Open Opened=opne effects=Rign
	StatusClosed Status = "closed"

	//ironflow:accepts Close Closed=closed
	StatusOpen Status = "open"
)
