package diagnostic

// Rules about timers and schedules.
var (
	TimerNoInput = define("IF0701", Rule{
		Title: "A timer without an input",
		Why: `
A timer delivers an input when it fires; that is all it does.`,
		Wrong: `
timers:
  alarm: {after: 1h}`,
		Right: `
timers:
  alarm: {input: Open, after: 1h}`,
	})

	WhileNoDelay = define("IF0702", Rule{
		Title: "A timer of a state without a delay",
		Why: `
A timer with "while" is started by the runtime, which needs to know how long after entering the state it is to fire.`,
		Wrong: `
inputs:
  Open: {fields: {door_id: string}}
  Close: {fields: {door_id: string}}
events: {Opened: {}, Closed: {}}
timers:
  closer: {input: Close, while: open}
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {accepts: {Close: {Closed: closed}}}`,
		Right: `
inputs:
  Open: {fields: {door_id: string}}
  Close: {fields: {door_id: string}}
events: {Opened: {}, Closed: {}}
timers:
  closer: {input: Close, after: 10m, while: open}
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {accepts: {Close: {Closed: closed}}}`,
	})

	WhileNoStates = define("IF0703", Rule{
		Title: "A timer of a state in a workflow without states",
		Why: `
"while" names states, and there are none. Without them, decisions start and cancel timers.`,
		Wrong: `
timers:
  alarm: {input: Open, after: 1h, while: open}`,
		Right: `
timers:
  alarm: {input: Open, after: 1h}`,
	})

	TimerInTerminal = define("IF0704", Rule{
		Title: "A timer in a terminal state",
		Why: `
An instance that gets into a terminal state is complete, and its timers are deleted. So the timer would never fire.`,
		Wrong: `
inputs:
  Open: {fields: {door_id: string}}
  Close: {fields: {door_id: string}}
events: {Opened: {}, Closed: {}}
timers:
  closer: {input: Close, after: 10m, while: [open, gone]}
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {accepts: {Close: {Closed: gone}}}
  gone: {terminal: true}`,
		Right: `
inputs:
  Open: {fields: {door_id: string}}
  Close: {fields: {door_id: string}}
events: {Opened: {}, Closed: {}}
timers:
  closer: {input: Close, after: 10m, while: open}
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {accepts: {Close: {Closed: gone}}}
  gone: {terminal: true}`,
	})

	TimerInputFields = define("IF0705", Rule{
		Title: "A timer of a state whose input needs more than the instance",
		Why: `
The runtime makes the input of a timer with "while". It knows the instance and nothing else, so the other fields must
be optional. A timer that is started by decisions may bring any fields.`,
		Wrong: `
inputs:
  Open: {fields: {door_id: string}}
  Close: {fields: {door_id: string, by: string}}
events: {Opened: {}, Closed: {}}
timers:
  closer: {input: Close, after: 10m, while: open}
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {accepts: {Close: {Closed: closed}}}`,
		Right: `
inputs:
  Open: {fields: {door_id: string}}
  Close: {fields: {door_id: string, by: optional<string>}}
events: {Opened: {}, Closed: {}}
timers:
  closer: {input: Close, after: 10m, while: open}
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {accepts: {Close: {Closed: closed}}}`,
	})

	TimerNeverStarts = define("IF0706", Rule{
		Title: "A timer in a state that is never entered",
		Why: `
A timer with "while" starts when an event leads into the state from outside. An instance is in its initial state
before its first event, so a timer there starts only if an event leads back to it.`,
		Wrong: `
inputs:
  Open: {fields: {door_id: string}}
timers:
  opener: {input: Open, after: 1h, while: closed}
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {terminal: true}`,
		Right: `
inputs:
  Open: {fields: {door_id: string}}
timers:
  opener: {input: Open, after: 1h}
states:
  closed: {accepts: {Open: {Opened: open, timers: opener}}}
  open: {terminal: true}`,
	})

	TimerNotHeard = define("IF0707", Rule{
		Title: "A timer in a state that says nothing of its input",
		Why: `
The input of the timer would be refused as NotAccepted, so the timer would fire in vain. Accept the input there,
refuse it with "reject" if that is what you want, or take the state out of "while".`,
		Wrong: `
inputs:
  Open: {fields: {door_id: string}}
  Lock: {fields: {door_id: string}}
events: {Opened: {}, Locked: {}}
timers:
  locker: {input: Lock, after: 10m, while: open}
states:
  closed: {accepts: {Open: {Opened: open}, Lock: {Locked: locked}}}
  open: {accepts: {Open: {Opened: closed}}}
  locked: {terminal: true}`,
		Right: `
inputs:
  Open: {fields: {door_id: string}}
  Lock: {fields: {door_id: string}}
events: {Opened: {}, Locked: {}}
timers:
  locker: {input: Lock, after: 10m, while: open}
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {accepts: {Lock: {Locked: locked}}}
  locked: {terminal: true}`,
	})
)
