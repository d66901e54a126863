package console

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// maxInputForm is how many bytes a form with an input may have. What a program accepts is less by default, 4 MiB of JSON.
const maxInputForm = 16 << 20

// fieldPrefix is before the names of fields in a form, so that they are not taken for its other parameters.
const fieldPrefix = "field."

// sending is an input on its way through its form.
type sending struct {
	Key    store.InstanceKey
	Form   workflow.Form
	Values map[string]string // as they were typed, by field
	ID     string            // of the input: sending the form again does not send the input again
	Reason string
	Wrong  []string
}

// sendable returns the forms of a list that somebody with this access may send.
func (v *view) sendable(forms []workflow.Form) (may []workflow.Form) {
	for _, f := range forms {
		if v.access.Role >= Operator && (f.Operator || v.access.ClientInputs) {
			may = append(may, f)
		}
	}
	return may
}

// sending reads which input is meant. That the instance's state accepts it is not asked: an input that was sent may be sent again.
func (v *view) sending(f url.Values) (*sending, error) {
	s := &sending{
		Key: store.InstanceKey{Workflow: f.Get("workflow"), ID: f.Get("id")}, ID: f.Get("input-id"), Reason: strings.TrimSpace(f.Get("reason")),
		Values: make(map[string]string),
	}
	if v.console.config.Engine == nil {
		return nil, &failure{http.StatusNotImplemented, "This console knows only the store. An input needs the program that decides on it: use ironflow send, or ironflow console with -server."}
	}
	described, err := v.console.admin.Workflow(v.ctx, s.Key.Workflow)
	if err != nil {
		return nil, err
	}
	if described != nil {
		for _, form := range v.sendable(described.Forms) {
			if form.Input == f.Get("input") {
				s.Form = form
			}
		}
	}
	if s.Form.Input == "" {
		return nil, &failure{http.StatusForbidden, fmt.Sprintf("There is no input %q of this workflow that you may send.", f.Get("input"))}
	}
	for _, field := range s.Form.Fields {
		// Browsers send the ends of lines as CR LF.
		s.Values[field.Name] = strings.ReplaceAll(f.Get(fieldPrefix+field.Name), "\r\n", "\n")
	}
	return s, nil
}

// input makes the JSON of the values. What is wrong with them is in Wrong.
func (s *sending) input(by string) admin.OperatorInput {
	var b bytes.Buffer
	b.WriteByte('{')
	add := func(name string, value []byte) {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		text, _ := json.Marshal(name)
		b.Write(text)
		b.WriteByte(':')
		b.Write(value)
	}
	for _, field := range s.Form.Fields {
		typed := s.Values[field.Name]
		if field.Name == s.Form.ID {
			typed = s.Key.ID
		}
		value, given, err := field.Value(typed)
		switch {
		case err != nil:
			s.Wrong = append(s.Wrong, err.Error()+".") // it begins with the name of the field
		case given:
			add(field.Name, value)
		}
	}
	b.WriteByte('}')
	if wrong := wrongReason(s.Reason); wrong != "" {
		s.Wrong = append(s.Wrong, wrong)
	}
	return admin.OperatorInput{Instance: s.Key, Input: s.Form.Input, Fields: b.Bytes(), ID: s.ID, By: by, Reason: s.Reason}
}

// sendForm shows the form of an input.
func (c *console) sendForm(v *view) error {
	q := v.query
	// An address, which another site may have made, gives neither values nor the reason.
	s, err := v.sending(url.Values{"workflow": q["workflow"], "id": q["id"], "input": q["input"]})
	if err != nil {
		return err
	}
	if _, err := c.admin.Inspect(v.ctx, s.Key); err != nil {
		return err
	}
	s.ID = "console-" + rand.Text()
	return v.sendPage(http.StatusOK, s, nil)
}

// sendPage shows a form, or with a plan what the input would lead to.
func (v *view) sendPage(status int, s *sending, content map[string]any) error {
	if content == nil {
		content = make(map[string]any)
	}
	content["S"] = s
	return v.render(status, "send", fmt.Sprintf("Send %s to %s", s.Form.Input, s.Key), content)
}

// send shows what an input would lead to, and sends it when the reader has seen that.
func (c *console) send(v *view) error {
	f, err := v.form(maxInputForm)
	if err != nil {
		return err
	}
	s, err := v.sending(f)
	if err != nil {
		return err
	}
	if s.ID == "" {
		return &failure{http.StatusBadRequest, "The form has no id; open it again."}
	}
	input := s.input(v.access.Name)
	if len(s.Wrong) > 0 {
		return v.sendPage(http.StatusUnprocessableEntity, s, nil)
	}
	if f.Get("seen") == "" {
		plan, err := c.config.Engine.PlanInput(v.ctx, input)
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			return v.sendPage(http.StatusOK, s, map[string]any{"Unplanned": true})
		case err != nil:
			return v.notSent(s, err)
		}
		return v.sendPage(http.StatusOK, s, map[string]any{"Plan": &plan, "Fields": v.fieldsOf(s.Key.Workflow)})
	}
	outcome, err := c.config.Engine.SendInput(v.ctx, input)
	switch {
	case err != nil:
		return v.notSent(s, err)
	case outcome.Accepted():
		v.lead(link("instance", "workflow", s.Key.Workflow, "id", s.Key.ID, "done", "send"))
		return nil
	case outcome.AlreadyCompleted():
		return &failure{http.StatusConflict, fmt.Sprintf("%s had completed before. Nothing was stored.", s.Key)}
	}
	return v.sendPage(http.StatusConflict, s, map[string]any{"Rejected": &outcome.Rejection, "Fields": v.fieldsOf(s.Key.Workflow)})
}

// fieldsOf shows the fields of what a decision has, to those who may see them.
func (v *view) fieldsOf(workflowName string) func(workflow.Encoded) string {
	return func(e workflow.Encoded) string { return v.payload(workflowName, e.Type, e.Payload) }
}

// notSent says why an input was not decided on. Mistakes in it lead back to the form.
func (v *view) notSent(s *sending, err error) error {
	var invalid *workflow.InvalidInput
	var large *workflow.PayloadTooLarge
	var panicked *store.PanicError
	var reused *store.InputIDReused
	var held *store.UniqueKeyConflict
	var paused *store.WorkflowPaused
	switch {
	case errors.As(err, &panicked): // may wrap any other
	case errors.As(err, &invalid):
		for _, mistake := range invalid.Mistakes {
			s.Wrong = append(s.Wrong, mistake.Error()+".")
		}
		return v.sendPage(http.StatusUnprocessableEntity, s, nil)
	case errors.As(err, &large):
		return &failure{http.StatusRequestEntityTooLarge, firstUpper(large.Error())}
	case errors.As(err, &reused):
		return &failure{http.StatusConflict, "This form was sent before with other values. Nothing more was sent; open the form again for another input."}
	case errors.As(err, &held):
		return &failure{http.StatusConflict, firstUpper(held.Error())}
	case errors.As(err, &paused):
		return &failure{http.StatusServiceUnavailable, firstUpper(paused.Error())}
	case errors.Is(err, errors.ErrUnsupported):
		return &failure{http.StatusNotImplemented, "The program of this console does not have the workflow. Send the input to one that has it; see ironflow send."}
	case errors.Is(err, store.ErrOutcomeUnknown):
		return &failure{http.StatusGatewayTimeout, "It is not known whether the input was stored. Go back and send the same form again: it is not applied twice."}
	}
	return err
}
