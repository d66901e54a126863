package generate_test

import (
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/generate"
)

// TestChildsOwnType has a field of the type that the child's package declares, which the parent imports under another name or the
// same one. The package membership carries it out.
func TestChildsOwnType(t *testing.T) {
	t.Parallel()
	const hotel = `ironflow: 1
workflow: hotel
package: hotel
id: booking_id
types:
  Room: {beds: int, wait: duration}
  Other: {beds: string}
state: {room: optional<Room>}
inputs: {Book: {fields: {booking_id: string, room: Room, rooms: list<Room>}}}
events: {Booked: {}}
`
	const hotelGo = `package hotel

//ironflow:workflow type=hotel id=BookingID
type State struct{ Room *Room }

type Room struct{ Beds int }

type Other struct{ Beds string }

//ironflow:input
type Book struct {
	BookingID string
	Room      Room
	Rooms     []Room
}

//ironflow:event
type Booked struct{}
`
	const trip = `ironflow: 1
workflow: trip
package: trip
id: trip_id
types:
  Room: {beds: string}
  Suite: {go: example.com/user/hotel.NAME}
inputs:
  Plan: {fields: {trip_id: string, own: Room}}
  Ended: {fields: {trip_id: string, room: optional<Suite>}}
events: {Planned: {}}
effects:
  Book: {fields: {room: Suite, rooms: list<Suite>}, starts: {workflow: hotel, input: Book}, ended: Ended}
`
	for name, child := range map[string][2]string{"YAML": {"hotel.ironflow.yaml", hotel}, "Go": {"hotel.go", hotelGo}} {
		for typeName, accepted := range map[string]bool{"Room": true, "Other": false} {
			root := t.TempDir()
			write(t, root, "go.mod", "module example.com/user\n\ngo 1.26.0\n")
			write(t, root, "hotel/"+child[0], child[1])
			write(t, root, "trip/trip.ironflow.yaml", strings.ReplaceAll(trip, "NAME", typeName))
			_, err := generate.New([]string{root + "/..."}, generate.Options{})
			if accepted != (err == nil) {
				t.Errorf("%s, hotel.%s: %v", name, typeName, err)
			}
		}
	}
}
