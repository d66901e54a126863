package diagnostic

// Rules about timers and schedules.
var (
	TimerNoInput = define("IF0701", Rule{
		Title: "A timer without an input",
	})
	WhileNoDelay = define("IF0702", Rule{
		Title: "A timer of a state without a delay",
	})
	WhileNoStates = define("IF0703", Rule{
		Title: "A timer of a state in a workflow without states",
	})
	TimerInTerminal = define("IF0704", Rule{
		Title: "A timer in a terminal state",
	})
	TimerInputFields = define("IF0705", Rule{
		Title: "A timer of a state whose input needs more than the instance",
	})
	TimerNeverStarts = define("IF0706", Rule{
		Title: "A timer in a state that is never entered",
	})
	TimerNotHeard = define("IF0707", Rule{
		Title: "A timer in a state that says nothing of its input",
	})
)
