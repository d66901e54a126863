package generate_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/generate"
)

// TestNeighbours reads one directory at a time, as "go generate ./..." does, and finds what its effects say wrongly of workflows
// elsewhere in the module. It needs no go command where all is YAML.
func TestNeighbours(t *testing.T) {
	const parent = `ironflow: 1
workflow: trip
package: trip
id: trip_id
inputs: {Plan: {fields: {trip_id: string}}}
events: {Planned: {}}
effects:
  BookHotel: {fields: {NIGHTS}, starts: {workflow: hotel, input: INPUT}}
`
	const yaml = `ironflow: 1
workflow: hotel
package: hotel
id: booking_id
inputs: {Book: {fields: {booking_id: string, nights: int32}}}
events: {Booked: {}}
`
	const types = `package hotel

//ironflow:workflow type=hotel id=BookingID
type State struct{}

//ironflow:input
type Book struct {
	BookingID string
	Nights    int32
}

//ironflow:event
type Booked struct{}
`
	for name, test := range map[string]struct {
		nights, input string
		want          string
	}{
		"right":         {"nights: int32", "Book", ""},
		"missing field": {"", "Book", "[IF0613]"},
		"other type":    {"nights: string", "Book", "[IF0613]"},
		"no such input": {"nights: int32", "Bok", "[IF0612]"},
	} {
		for file, content := range map[string]string{
			"inner/hotel/hotel.ironflow.yaml": yaml, "inner/hotel/hotel.go": types,
			"inner/hotel/quoted.go": strings.Replace(types, "type=hotel", `type="hotel"`, 1),
		} {
			t.Run(name+" "+filepath.Base(file), func(t *testing.T) {
				dir := t.TempDir()
				write(t, dir, "go.mod", "module example.com/user\n\ngo 1.26.0\n")
				write(t, dir, file, content)
				write(t, dir, "trip/trip.ironflow.yaml", strings.NewReplacer("NIGHTS", test.nights, "INPUT", test.input).Replace(parent))
				write(t, dir, "broken/broken.ironflow.yaml", "workflow: hotel\n") // which its own run reports
				write(t, dir, "other/go.mod", "module example.com/other\n\ngo 1.26.0\n")
				write(t, dir, "other/hotel.ironflow.yaml", yaml) // of another module
				if filepath.Ext(file) == ".yaml" {
					t.Setenv("PATH", t.TempDir())
					if _, err := exec.LookPath("go"); err == nil {
						t.Fatal("there is a go command")
					}
				}
				_, err := generate.New([]string{filepath.Join(dir, "trip")}, generate.Options{})
				if (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want %q", err, test.want)
				}
			})
		}
	}
}

// TestParents reads the directory of a child, and finds the workflows of the module that start it.
func TestParents(t *testing.T) {
	const child = `ironflow: 1
workflow: bell
package: bell
id: bell_id
inputs: {Ring: {fields: {bell_id: string}}}
events: {Rang: {}}
effects:
  Report: {fields: {count: int}, sends: {to: parent, input: Rung}}
`
	const yaml = `ironflow: 1
workflow: door
package: door
id: door_id
inputs: {Rung: {fields: {door_id: string, count: TYPE}}}
events: {Opened: {}}
effects: {Install: {fields: {bell_id: string}, VERB: {workflow: bell, input: Ring}}}
`
	const types = `package door

//ironflow:workflow type=door id=DoorID
type State struct{}

//ironflow:input
type Rung struct {
	DoorID string
	Count  TYPE
}

//ironflow:event
type Opened struct{}

//ironflow:effect VERB=bell/Ring
type Install struct{ BellID string }
`
	for name, test := range map[string]struct{ typ, verb, want string }{
		"right":      {"int", "starts", ""},
		"other type": {"bool", "starts", "[IF0613]"},
		"no parent":  {"int", "sends", "[IF0618]"},
	} {
		for file, content := range map[string]string{"door/door.ironflow.yaml": yaml, "door/door.go": types} {
			t.Run(name+" "+filepath.Base(file), func(t *testing.T) {
				dir := t.TempDir()
				write(t, dir, "go.mod", "module example.com/user\n\ngo 1.26.0\n")
				write(t, dir, file, strings.NewReplacer("TYPE", test.typ, "VERB", test.verb).Replace(content))
				write(t, dir, "bell/bell.ironflow.yaml", child)
				_, err := generate.New([]string{filepath.Join(dir, "bell")}, generate.Options{})
				if (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want %q", err, test.want)
				}
			})
		}
	}
}
