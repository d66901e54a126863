package emit

import (
	"fmt"

	"github.com/dave/jennifer/jen"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// effectSentence says what an effect without a doc is.
func effectSentence(e *spec.Effect) string {
	switch {
	case e.Starts != nil:
		return fmt.Sprintf("starts the workflow %s with its input %s.", e.Starts.Workflow.Text, e.Starts.Input.Text)
	case e.Sends != nil && e.Sends.ToParent():
		return fmt.Sprintf("sends the input %s to the parent.", e.Sends.Input.Text)
	case e.Sends != nil:
		return fmt.Sprintf("sends the input %s to the workflow %s.", e.Sends.Input.Text, e.Sends.Workflow.Text)
	}
	return "is an effect."
}

// effectOptions renders what the declaration says of each effect.
func (e *emitter) effectOptions() *jen.Statement {
	var list []jen.Code
	for _, effect := range e.w.Effects {
		options := optionsOf(effect)
		layout := oneline
		if len(options) > 1 {
			layout = multiline
		}
		list = append(list, jen.Lit(effect.Name.Stored()).Op(":").Custom(layout, options...))
	}
	return jen.Map(jen.String()).Add(workflowID("EffectOptions")).Custom(multiline, list...)
}

func optionsOf(effect *spec.Effect) []jen.Code {
	var options []jen.Code
	option := func(name string, written bool, value jen.Code) {
		if written {
			options = append(options, keyed(name, value))
		}
	}
	retry := retryOf(effect.Retry)
	option("Retry", len(retry) > 0, workflowID("RetryPolicy").Values(retry...))
	if effect.Timeout > 0 {
		option("Timeout", true, duration(effect.Timeout))
	}
	option("Priority", effect.Priority != 0, jen.Lit(effect.Priority))
	if effect.Limit != nil {
		option("Limit", true, jen.Op("&").Add(workflowID("EffectLimit")).Values(limitOf(effect.Limit)...))
	}
	option("Returns", len(effect.Returns) > 0, stringList(storedTexts(effect.Returns)))
	option("Optional", effect.Optional.Text != "", jen.True())
	option("Dead", effect.Dead.Text != "", jen.Op("&").Add(workflowID("DeadInput")).Values(deadOf(effect)...))
	option("Starts", effect.Starts != nil, target(effect.Starts))
	option("Sends", effect.Sends != nil, target(effect.Sends))
	option("Refused", effect.Refused.Text != "", jen.Op("&").Add(workflowID("RefusedInput")).Values(refusedOf(effect)...))
	option("Ended", effect.Ended.Text != "", jen.Lit(effect.Ended.Stored()))
	return options
}

func retryOf(r spec.Retry) []jen.Code {
	var retry []jen.Code
	if n := r.MaxAttempts; n > 0 {
		retry = append(retry, keyed("MaxAttempts", jen.Lit(n)))
	}
	if d := r.Base; d > 0 {
		retry = append(retry, keyed("Base", duration(d)))
	}
	if d := r.Max; d > 0 {
		retry = append(retry, keyed("Max", duration(d)))
	}
	return retry
}

func limitOf(l *spec.Limit) []jen.Code {
	var limit []jen.Code
	count := func(name string, n int) {
		if n > 0 {
			limit = append(limit, keyed(name, jen.Lit(n)))
		}
	}
	count("Concurrency", l.Concurrency)
	count("Global", l.Global)
	if l.Rate > 0 {
		limit = append(limit, keyed("Rate", number(l.Rate)))
	}
	count("Burst", l.Burst)
	if l.Key.Text != "" {
		limit = append(limit, keyed("Key", jen.Lit(l.Key.Stored())))
	}
	count("PerKey", l.PerKey)
	return limit
}

// deadOf renders the input for a dead letter, with the fields that it takes over from the effect.
func deadOf(effect *spec.Effect) []jen.Code {
	var copied []string
	var errorField string
	for _, fill := range effect.DeadFill {
		switch fill.From {
		case spec.FromEffect:
			copied = append(copied, fill.Field.Name.Stored())
		case spec.FromError:
			errorField = fill.Field.Name.Stored()
		}
	}
	dead := []jen.Code{keyed("Input", jen.Lit(effect.Dead.Stored()))}
	if len(copied) > 0 {
		dead = append(dead, keyed("Fields", stringList(copied)))
	}
	if errorField != "" {
		dead = append(dead, keyed("Error", jen.Lit(errorField)))
	}
	return dead
}

// refusedOf renders the input for a refusal, with the fields that it takes over from the effect.
func refusedOf(effect *spec.Effect) []jen.Code {
	refused := []jen.Code{keyed("Input", jen.Lit(effect.Refused.Stored()))}
	var copied []string
	for _, fill := range effect.RefusedFill {
		if fill.From == spec.FromEffect {
			copied = append(copied, fill.Field.Name.Stored())
		}
	}
	if len(copied) > 0 {
		refused = append(refused, keyed("Fields", stringList(copied)))
	}
	return refused
}

func target(d *spec.Delivery) *jen.Statement {
	if d == nil {
		return nil
	}
	to := keyed("Workflow", jen.Lit(d.Workflow.Text))
	if d.ToParent() {
		to = keyed("Parent", jen.True())
	}
	fields := []jen.Code{to, keyed("Input", jen.Lit(d.Input.Text))}
	if d.External {
		fields = append(fields, keyed("External", jen.True()))
	}
	return jen.Op("&").Add(workflowID("Target")).Values(fields...)
}
