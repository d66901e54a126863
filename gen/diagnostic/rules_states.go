package diagnostic

// Rules about states and what they accept.
var (
	InputTwice = define("IF0801", Rule{
		Title: "A state mentions an input twice",
	})
	TwoTargets = define("IF0802", Rule{
		Title: "An event leads from one state to two",
	})
	RejectWithMore = define("IF0803", Rule{
		Title: "A refused input with events, effects or timers",
	})
	NoEventHere = define("IF0804", Rule{
		Title: "An accepted input that leads to no event",
	})
	RejectionFields = define("IF0805", Rule{
		Title: "A rejection by the machine with fields that it cannot fill",
	})
	TerminalAccepts = define("IF0806", Rule{
		Title: "A terminal state with inputs",
	})
	DeadEnd = define("IF0807", Rule{
		Title: "A state that no instance can leave",
	})
	InitialTerminal = define("IF0808", Rule{
		Title: "The initial state is terminal",
	})
	Unreachable = define("IF0809", Rule{
		Title: "A state that cannot be reached",
	})
	ResultNotAccepted = define("IF0810", Rule{
		Title: "A result of an effect that no state accepts",
	})
	UnusedEffect = define("IF0811", Rule{
		Title: "An effect that no transition uses",
	})
	UnusedInput = define("IF0812", Rule{
		Title: "An input that no state accepts",
	})
	UnusedEvent = define("IF0813", Rule{
		Title: "An event that no transition emits",
	})
	UnusedTimer = define("IF0814", Rule{
		Title: "A timer that nothing starts",
	})
)
