package diagnostic

// hotel is the declaration that examples of two start or send to.
const hotel = `
-- hotel/hotel.ironflow.yaml --
ironflow: 1
workflow: hotel
package: hotel
id: booking_id
state: {room: string}
inputs:
  Book: {fields: {booking_id: string, nights: int32}}
  Cancel: {fields: {booking_id: string}}
events: {Booked: {}, Cancelled: {}}
states:
  new: {accepts: {Book: {Booked: booked}}}
  booked: {accepts: {Cancel: {Cancelled: free}}}
  free: {terminal: true}
`

// Rules about effects that start workflows or send them inputs, and about the inputs that tell what became of an effect.
var (
	TwoPurposes = define("IF0607", Rule{
		Title: "An effect that is both handled and delivered",
		Why: `
An effect is done by a handler, or it starts a workflow, or it sends an input. The engine does the last two without a
handler, so there is nothing that returns an input or needs a timeout.`,
		Wrong: `
effects:
  Ring: {fields: {bell_id: string}, sends: {workflow: bell, input: Ring}, timeout: 20s}`,
		Right: `
effects:
  Ring: {fields: {bell_id: string}, sends: {workflow: bell, input: Ring}}`,
	})

	DeliveryIncomplete = define("IF0608", Rule{
		Title: "A delivery without a workflow or an input",
		Why: `
An effect is delivered as an input of a workflow. Both have to be named.`,
		Wrong: `
effects:
  Ring: {fields: {bell_id: string}, sends: {workflow: bell}}`,
		Right: `
effects:
  Ring: {fields: {bell_id: string}, sends: {workflow: bell, input: Ring}}`,
	})

	EndedNoStarts = define("IF0609", Rule{
		Title: "The end of a child that is never started",
		Why: `
"ended" names the input that is delivered when the child ends which the effect has started. Without "starts" there is no
child.`,
		Wrong: `
effects:
  Ring: {ended: Open}`,
		Right: `
effects:
  Ring: {fields: {bell_id: string}, starts: {workflow: bell, input: Ring}, ended: Open}`,
	})

	DeadFields = define("IF0610", Rule{
		Title: "An input about a dead letter with fields that cannot be filled",
		Why: `
When an effect becomes a dead letter, the engine makes the input that "dead" names. It knows the instance, the effect's
fields, which it copies into fields of the same name and type, and the last error, which goes into a string called "error",
or "reason" when there is none. All other fields must be optional.`,
		Wrong: `
inputs:
  Open: {fields: {door_id: string}}
  RingFailed: {fields: {door_id: string, cents: int64}}
effects:
  Ring: {fields: {bell: string}, dead: RingFailed}`,
		Right: `
inputs:
  Open: {fields: {door_id: string}}
  RingFailed: {fields: {door_id: string, bell: string, error: string}}
effects:
  Ring: {fields: {bell: string}, dead: RingFailed}`,
	})

	EndedFields = define("IF0611", Rule{
		Title: "An input about the end of a child with fields that cannot be filled",
		Why: `
When a child ends, the engine makes the input that "ended" names. It puts the child's id, its final status, and why it could
not start into the strings "child", "status" and "error". Other fields are filled from fields of the same name in the
child's final state, and must have the same type there. They stay zero for a child that could not start, which enums
and decimals can not, so those are optional.`,
		Wrong: `
inputs:
  Open: {fields: {door_id: string}}
  BellEnded: {fields: {door_id: string, price: decimal}}
effects:
  Ring: {fields: {bell_id: string}, starts: {workflow: bell, input: Ring}, ended: BellEnded}`,
		Right: `
inputs:
  Open: {fields: {door_id: string}}
  BellEnded: {fields: {door_id: string, status: string, price: optional<decimal>}}
effects:
  Ring: {fields: {bell_id: string}, starts: {workflow: bell, input: Ring}, ended: BellEnded}`,
	})

	NoSuchInput = define("IF0612", Rule{
		Title: "An input that the other workflow does not declare",
		Why: `
The effect is delivered as an input that the other declaration does not have, or that it stores under another name. Both
declarations were read in this run.`,
		Wrong: hotel + `-- door/door.ironflow.yaml --
effects:
  Stay: {fields: {booking_id: string, nights: int32}, starts: {workflow: hotel, input: Reserve}}`,
		Right: hotel + `-- door/door.ironflow.yaml --
effects:
  Stay: {fields: {booking_id: string, nights: int32}, starts: {workflow: hotel, input: Book}}`,
		Form: Files,
	})

	DeliveryFields = define("IF0613", Rule{
		Title: "An effect whose fields are not those of the input that it becomes",
		Why: `
An effect that starts a workflow, or sends an input, brings the fields of that input, with the same names and types. Those
that are optional there may be left out.`,
		Wrong: hotel + `-- door/door.ironflow.yaml --
effects:
  Stay: {fields: {booking_id: string, nights: string}, starts: {workflow: hotel, input: Book}}`,
		Right: hotel + `-- door/door.ironflow.yaml --
effects:
  Stay: {fields: {booking_id: string, nights: int32}, starts: {workflow: hotel, input: Book}}`,
		Form: Files,
	})

	ChildNotFirst = define("IF0614", Rule{
		Title: "A child that cannot begin with the input that starts it",
		Why: `
A child that is started is a new instance, which is in its initial state. The input must be accepted there. For an instance
that is there already, use "sends".`,
		Wrong: hotel + `-- door/door.ironflow.yaml --
effects:
  Leave: {fields: {booking_id: string}, starts: {workflow: hotel, input: Cancel}}`,
		Right: hotel + `-- door/door.ironflow.yaml --
effects:
  Leave: {fields: {booking_id: string}, sends: {workflow: hotel, input: Cancel}}`,
		Form: Files,
	})
)
