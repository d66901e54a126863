package runtime

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Engines is what generated clients send inputs to: an *Engine, or a cells.Router, which has an engine for each of several stores. Its
// methods are for this package.
type Engines interface {
	// AnyEngine returns one of the engines. All have the same workflows.
	AnyEngine() *Engine

	// EngineOf returns the engine whose store has an instance. If the instance does not exist, it is the one that would create it.
	EngineOf(ctx context.Context, instance InstanceKey) (*Engine, error)

	// Send calls send with the engine for an instance. It calls send again with another engine if the first one answers *store.Elsewhere.
	Send(ctx context.Context, instance InstanceKey, send func(*Engine) error) error
}

var _ Engines = (*Engine)(nil)

// AnyEngine implements [Engines]: it returns the engine itself.
func (e *Engine) AnyEngine() *Engine { return e }

// EngineOf implements [Engines]: it returns the engine itself.
func (e *Engine) EngineOf(context.Context, InstanceKey) (*Engine, error) { return e, nil }

// Send implements [Engines].
func (e *Engine) Send(_ context.Context, _ InstanceKey, send func(*Engine) error) error {
	return send(e)
}

// executeOver executes an input by the engine that has its instance.
func executeOver(ctx context.Context, engines Engines, req commit.Request, options []ExecuteOption) (r commit.Result, err error) {
	err = engines.Send(ctx, req.Key(), func(e *Engine) (err error) {
		r, err = e.execute(ctx, req, options...)
		return err
	})
	return r, err
}

// executeArrived executes the input of a delivery, which has no options. An input for an instance that may be in another store does not
// end its delivery in its commit.
func (e *Engine) executeArrived(ctx context.Context, req commit.Request) (commit.Result, error) {
	if e.others == nil || req.Arrival.Lease.Instance == req.Key() {
		return e.execute(ctx, req)
	}
	apart := *req.Arrival
	apart.Apart = true
	req.Arrival, req.InputID = &apart, arrivalID(&req)
	r, err := executeOver(ctx, e.others, req, nil)
	r.Apart = true
	return r, err
}

// arrivalID names the input of a delivery among all inputs. Each store of several has every schedule: the firings of one time have one id.
func arrivalID(req *commit.Request) string {
	lease := &req.Arrival.Lease
	name := fmt.Sprintf("%s\n%s\n%s\n%d\n%d\n%s\n%d", lease.Queue, lease.Instance.Workflow, lease.Instance.ID, lease.Version, lease.Position, lease.Key, lease.Commit)
	if lease.OfSchedule() {
		name = fmt.Sprintf("%s\n%s\n%s", lease.Instance.Workflow, lease.Key, req.NotBefore.UTC().Format(time.RFC3339Nano))
	}
	sum := sha256.Sum256([]byte(name))
	return "delivery/" + hex.EncodeToString(sum[:])
}

// refuseApart fails if an input of an engine that is one of several asks for what needs a single store.
func (e *Engine) refuseApart(req *commit.Request) error {
	if e.others != nil && req.Within != nil {
		return &store.InvalidArgument{Argument: "Within", Problem: "needs an engine of one store; this one is a part of a cells.Router"}
	}
	return nil
}
