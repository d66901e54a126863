package cells

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// A router is the engine of a console, see console.Config.Engine.
var _ admin.Engine = (*Router)(nil)

// PlanInput is runtime.Engine.PlanInput in the cell of the instance.
func (r *Router) PlanInput(ctx context.Context, input admin.OperatorInput) (admin.PlannedInput, error) {
	engine, err := r.EngineOf(ctx, input.Instance)
	if err != nil {
		return admin.PlannedInput{}, err
	}
	return engine.PlanInput(ctx, input)
}

// SendInput is runtime.Engine.SendInput in the cell of the instance.
func (r *Router) SendInput(ctx context.Context, input admin.OperatorInput) (outcome runtime.Outcome[runtime.Encoded, runtime.Encoded], err error) {
	err = r.Send(ctx, input.Instance, func(engine *runtime.Engine) (err error) {
		outcome, err = engine.SendInput(ctx, input)
		return err
	})
	return outcome, err
}

// StatesDynamic is runtime.Engine.StatesDynamic in the cell of the instance.
func (r *Router) StatesDynamic(ctx context.Context, instance store.InstanceKey, from int64) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		engine, err := r.EngineOf(ctx, instance)
		if err != nil {
			yield(nil, err)
			return
		}
		engine.StatesDynamic(ctx, instance, from)(yield)
	}
}
