package workflow

import (
	"encoding/json"
	"fmt"
)

// PayloadKind says what kind of message a payload belongs to.
type PayloadKind string

const (
	InputPayload     PayloadKind = "input"
	EventPayload     PayloadKind = "event"
	EffectPayload    PayloadKind = "effect"
	TimerPayload     PayloadKind = "timer" // the input that the timer delivers
	RejectionPayload PayloadKind = "rejection"
)

// PayloadName names the message that a payload belongs to, for example the input Pay of the workflow order.
type PayloadName struct {
	Workflow string
	Kind     PayloadKind
	Name     string // as declared; for a timer, the name of its input
}

func (n PayloadName) String() string { return fmt.Sprintf("%s %s of %s", n.Kind, n.Name, n.Workflow) }

// PayloadTooLarge says that a payload has more bytes than Config.MaxPayloadBytes allows. Nothing was stored.
type PayloadTooLarge struct {
	PayloadName
	Size, Limit int // bytes of JSON
}

func (e *PayloadTooLarge) Error() string {
	return fmt.Sprintf("the %s has %d bytes, Config.MaxPayloadBytes allows %d; keep large data elsewhere and pass a reference to it",
		e.PayloadName, e.Size, e.Limit)
}

// ReadJSON is json.Unmarshal for stored JSON. Its error has no part of the text.
func ReadJSON(text []byte, v any) error {
	if json.Unmarshal(text, v) != nil {
		return fmt.Errorf("the %d stored bytes are not the expected JSON", len(text))
	}
	return nil
}

// CheckPayload fails with *PayloadTooLarge if the size is above the limit. 0 means no limit.
func CheckPayload(name PayloadName, size, limit int) error {
	if limit > 0 && size > limit {
		return &PayloadTooLarge{PayloadName: name, Size: size, Limit: limit}
	}
	return nil
}

// CheckPayloads calls CheckPayload for each event, effect and timer of an accepted decision.
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
