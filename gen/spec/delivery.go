package spec

import "github.com/ironflow-gen/ironflow/gen/diagnostic"

// Delivery names an input of a workflow, mostly another one, which the engine makes of an effect's fields. Both have their stored
// names here: another program may declare the workflow.
type Delivery struct {
	Workflow Name
	To       Name // the word ToParent in place of a workflow; the zero Name when there is a workflow
	Input    Name
	External bool // another program runs the workflow, so that no engine of this one need know it
	Pos      Pos
}

// ToParent is the word for the instance that has started the one which sends an input.
const ToParent = "parent"

// ToParent reports whether the input is for the parent.
func (d *Delivery) ToParent() bool { return d.To.Text == ToParent }

// delivered checks an effect that the engine carries out.
func (c *checker) delivered(e *Effect) {
	owner := "effect " + quote(e.Name.Text)
	switch {
	case e.Starts != nil && e.Sends != nil:
		c.d.Report(e.Sends.Pos, diagnostic.TwoPurposes, `%s has both "starts" and "sends"; an effect does one thing, so keep one of them and make another effect for the other`, owner)
	case e.Delivered() && len(e.Returns) > 0:
		what := "sends"
		if e.Starts != nil {
			what = "starts"
		}
		c.d.Report(e.Returns[0].Pos, diagnostic.TwoPurposes, `%s has both "returns" and %q; only a handler returns inputs, and the engine delivers this effect without one, so remove one of them`,
			owner, what)
	}
	if e.Delivered() && e.Timeout > 0 {
		c.d.Report(e.TimeoutPos, diagnostic.TwoPurposes, `%s has a "timeout", which bounds the time of a handler, and the engine delivers this effect without one; remove it`, owner)
	}
	c.delivery(e, "starts", e.Starts)
	c.delivery(e, "sends", e.Sends)
	if e.Delivered() {
		for _, f := range e.Fields {
			if f.Name.Stored() == "type" && f.Name.StoredAs == "" {
				c.d.Report(f.Name.Pos, diagnostic.ReservedField, `field "type" is reserved in what becomes an input: its JSON names the input there; rename the field`)
			}
		}
	}
	refused, _ := c.inputs.find(c, e.Refused)
	switch {
	case e.Refused == Name{}:
	case e.Sends == nil:
		c.d.Report(e.Refused.Pos, diagnostic.RefusedNoSends, `%s has "refused" but sends no input; add "sends", or remove "refused"`, owner)
	case refused != nil:
		e.RefusedFill = c.fillRefused(e, refused)
	}
	ended, _ := c.inputs.find(c, e.Ended)
	switch {
	case e.Ended == Name{}:
	case e.Starts == nil:
		c.d.Report(e.Ended.Pos, diagnostic.EndedNoStarts, `%s has "ended" but starts no child; add "starts", or remove "ended"`, owner)
	case ended != nil:
		e.EndedFill = c.fillEnded(e, ended)
	}
}

// delivery checks that a delivery says where to and what. Whether there is such a workflow is not known here.
func (c *checker) delivery(e *Effect, key string, d *Delivery) {
	if d == nil {
		return
	}
	switch {
	case d.ToParent() && d.Workflow != (Name{}):
		c.d.Report(d.To.Pos, diagnostic.TwoPurposes, `%s of effect %q names both a workflow and "to"; remove the workflow if the input is for the parent, or else "to"`, key, e.Name.Text)
	case d.To.Text != "" && !d.ToParent():
		c.d.Report(d.To.Pos, diagnostic.DeliveryIncomplete, `to of %s of effect %q is %q, and can only be %q; name the workflow of another instance`, key, e.Name.Text, d.To.Text, ToParent)
	case d.To != (Name{}) && d.Input != (Name{}):
	case d.Workflow == (Name{}) || d.Input == (Name{}):
		c.d.Report(d.Pos, diagnostic.DeliveryIncomplete, `%s of effect %q must name a workflow and its input, like %q`, key, e.Name.Text, c.w.Form.deliveryEntry(key))
	}
	checkStored(c.d, "workflow", d.Workflow)
	checkStored(c.d, "input", d.Input)
}
