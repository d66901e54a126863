package spec

import "github.com/ironflow-gen/ironflow/gen/diagnostic"

// What an input may declare of who sends it.
const (
	FromClient   = "client"   // clients and the engine
	FromInternal = "internal" // the engine only: for effects, timers, schedules and other workflows
	FromOperator = "operator" // operators only, who say who they are and why
)

// senders finds out which inputs clients may send. An input that the engine delivers by itself is internal unless it says
// otherwise: anybody could send a result or let time pass without that.
func (c *checker) senders() {
	c.byEngine = make(map[string]bool)
	delivered := c.byEngine
	for _, e := range c.w.Effects {
		for _, n := range e.Returns {
			delivered[n.Text] = true
		}
		delivered[e.Dead.Text] = true
		delivered[e.Ended.Text] = true
		delivered[e.Refused.Text] = true
	}
	for _, t := range c.w.Timers {
		delivered[t.Input.Text] = true
	}
	for _, s := range c.w.Schedules {
		delivered[s.Input.Text] = true
	}
	for _, m := range c.w.Inputs {
		switch m.From.Text {
		case FromClient:
		case FromInternal:
			m.Internal = true
		case FromOperator:
			m.Operator = true
			if delivered[m.Name.Text] {
				c.d.Report(m.From.Pos, diagnostic.BadSender, `input %q is from an operator, so no effect, timer, schedule, dead letter, refusal or end of a child can bring it; `+
					`declare another input for that, or leave out "from"`, m.Name.Text)
			}
		case "":
			m.Internal = delivered[m.Name.Text]
		default:
			c.d.Report(m.From.Pos, diagnostic.BadSender, `"from" of input %q must be %q, %q or %q, not %q; write %q if clients may send it`,
				m.Name.Text, FromClient, FromInternal, FromOperator, m.From.Text, c.w.Form.entry("from", FromClient))
		}
	}
}
