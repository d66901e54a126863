package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

const (
	foldedBefore   = 5000     // events before the first one whose state is shown; with more, the page shows none
	stateBytes     = 64 << 10 // of a state that is compared
	allStateBytes  = 4 << 20  // of the states of a page
	changesOfEvent = 12       // that are shown
	changesOfPage  = 200
	changedValue   = 80 // characters of a value
)

// changed is a part of a state that an event has changed. A value that is not there is empty.
type changed struct{ Path, Before, After string }

// eventState is what an event has made of the state.
type eventState struct {
	Changes []changed
	More    int  // changes that are not shown
	Large   bool // the state is too large to be compared
}

// states returns what the events of a page made of the state, by version, and what to tell the reader if that is not shown. Only the program
// knows it; those who may not see payloads see no states.
func (c *console) states(v *view, key store.InstanceKey, first, last int64) (states map[int64]*eventState, note string, err error) {
	switch {
	case c.config.Engine == nil || !v.access.Payloads:
		return nil, "", nil
	case first > foldedBefore:
		return nil, fmt.Sprintf("States are not shown here: more than %d events are before this page.", foldedBefore), nil
	}
	states = make(map[int64]*eventState)
	before, version, read, shown := json.RawMessage("{}"), max(1, first-1), 0, 0
	for state, err := range c.config.Engine.StatesDynamic(v.ctx, key, version) {
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			return nil, "", nil
		case v.ctx.Err() != nil:
			return nil, "", v.ctx.Err()
		case err != nil:
			c.config.Logger.WarnContext(v.ctx, "ironflow: console: states could not be shown", "workflow", key.Workflow, "error", err)
			return states, "The program cannot fold the next events; its log, or ironflow verify, says why.", nil
		}
		if c.config.Redact != nil {
			state = c.redact(key.Workflow, "", state)
		}
		if version >= first {
			s := compare(before, state)
			if over := len(s.Changes) - min(changesOfEvent, changesOfPage-shown); over > 0 {
				s.Changes, s.More = s.Changes[:len(s.Changes)-over], s.More+over
			}
			shown += len(s.Changes)
			states[version] = s
		}
		if read += len(state); version >= last {
			break
		} else if read > allStateBytes {
			return states, fmt.Sprintf("The states of later events are not shown: those before have %d bytes.", read), nil
		}
		before = state
		version++
	}
	return states, "", nil
}

// compare lists what differs between two states.
func compare(before, after json.RawMessage) *eventState {
	if len(before)+len(after) > 2*stateBytes {
		return &eventState{Large: true}
	}
	a, errA := parsed(before)
	b, errB := parsed(after)
	if errA != nil || errB != nil { // what Redact returned is not JSON
		a, b = string(before), string(after)
	}
	s := new(eventState)
	s.compare("", a, b)
	return s
}

// parsed reads JSON without changing its numbers.
func parsed(text json.RawMessage) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return v, d.Decode(&v)
}

// absent stands for what is not there.
type absent struct{}

func (s *eventState) compare(path string, before, after any) {
	if _, is := before.(absent); reflect.DeepEqual(before, after) || is && after == nil {
		return
	}
	switch b := after.(type) {
	case map[string]any:
		a, is := before.(map[string]any)
		if !is {
			break
		}
		for _, key := range slices.Sorted(maps.Keys(union(a, b))) {
			s.compare(strings.TrimPrefix(path+"."+key, "."), of(a, key), of(b, key))
		}
		return
	case []any:
		a, is := before.([]any)
		if !is {
			break
		}
		for i := range max(len(a), len(b)) {
			s.compare(fmt.Sprintf("%s[%d]", path, i), at(a, i), at(b, i))
		}
		return
	}
	if len(s.Changes) == changesOfPage {
		s.More++
		return
	}
	s.Changes = append(s.Changes, changed{path, shownValue(before), shownValue(after)})
}

func union(a, b map[string]any) map[string]any {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func of(object map[string]any, key string) any {
	if v, has := object[key]; has {
		return v
	}
	return absent{}
}

func at(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return absent{}
}

// shownValue writes a value of a state on one line.
func shownValue(v any) string {
	if _, is := v.(absent); is {
		return ""
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return "?"
	}
	return cutText(strings.TrimSpace(b.String()), changedValue)
}

// cutText is the beginning of a text, with at most so many characters.
func cutText(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	n := 0
	for i := range text {
		if n == most {
			return text[:i] + "…"
		}
		n++
	}
	return text
}

// state shows the whole state after an event.
func (c *console) state(v *view) error {
	key, version := v.key(), v.number("version", 1)
	switch {
	case !v.access.Payloads:
		return &failure{http.StatusForbidden, "You may not see states."}
	case c.config.Engine == nil:
		return &failure{http.StatusNotImplemented, "This console knows only the store. The state needs the program that folds the events."}
	case version > foldedBefore:
		return &failure{http.StatusNotImplemented, fmt.Sprintf("States after more than %d events are not shown here.", foldedBefore)}
	}
	for state, err := range c.config.Engine.StatesDynamic(v.ctx, key, version) {
		if errors.Is(err, errors.ErrUnsupported) {
			return &failure{http.StatusNotImplemented, "The program of this console does not have the workflow."}
		}
		if err != nil {
			return err
		}
		var indented bytes.Buffer
		if c.config.Redact == nil && json.Indent(&indented, state, "", "  ") == nil {
			state = indented.Bytes()
		}
		return v.render(http.StatusOK, "state", fmt.Sprintf("State of %s after event %d", key, version), map[string]any{
			"Key": key, "Version": version, "State": v.payload(key.Workflow, "", state),
		})
	}
	return &failure{http.StatusNotFound, fmt.Sprintf("There is no event %d of %s.", version, key)}
}
