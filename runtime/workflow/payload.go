package workflow

import (
	"encoding/json"
	"fmt"
)

// PayloadKind says what a payload is of.
type PayloadKind string

const (
	InputPayload     PayloadKind = "input"
	EventPayload     PayloadKind = "event"
	EffectPayload    PayloadKind = "effect"
	TimerPayload     PayloadKind = "timer" // the input that it delivers
	RejectionPayload PayloadKind = "rejection"
)

// PayloadName names what a payload is of: the input Pay of the workflow order, say.
type PayloadName struct {
	Workflow string
	Kind     PayloadKind
	Name     string // as declared; of a timer, the name of its input
}

func (n PayloadName) String() string { return fmt.Sprintf("%s %s of %s", n.Kind, n.Name, n.Workflow) }

// PayloadTooLarge says that a payload has more bytes than Config.MaxPayloadBytes allows. Nothing was stored.
type PayloadTooLarge struct {
	PayloadName
	Size, Limit int // bytes of JSON
}

func (e *PayloadTooLarge) Error() string {
	return fmt.Sprintf("the %s has %d bytes, Config.MaxPayloadBytes allows %d; keep large data elsewhere and pass on where it is",
		e.PayloadName, e.Size, e.Limit)
}

// ReadJSON is json.Unmarshal for what is stored. Its error has nothing of the text in it.
func ReadJSON(text []byte, v any) error {
	if json.Unmarshal(text, v) != nil {
		return fmt.Errorf("the %d bytes that are stored are not the JSON that is expected", len(text))
	}
	return nil
}

// CheckPayload fails with *PayloadTooLarge. A limit of 0 is none.
func CheckPayload(name PayloadName, size, limit int) error {
	if limit > 0 && size > limit {
		return &PayloadTooLarge{PayloadName: name, Size: size, Limit: limit}
	}
	return nil
}

// CheckPayloads looks at everything that an accepted decision would have stored.
func (d *Decided) CheckPayloads(workflow string, limit int) error {
	check := func(kind PayloadKind, name string, payload []byte) error {
		return CheckPayload(PayloadName{Workflow: workflow, Kind: kind, Name: name}, len(payload), limit)
	}
	for _, event := range d.Stored {
		if err := check(EventPayload, event.Type, event.Payload); err != nil {
			return err
		}
	}
	for _, effect := range d.Effects {
		if err := check(EffectPayload, effect.Kind, effect.Payload); err != nil {
			return err
		}
	}
	for _, step := range d.Timers.steps {
		if step.start == nil {
			continue
		}
		if err := check(TimerPayload, step.start.Input, step.start.Payload); err != nil {
			return err
		}
	}
	return nil
}
