package delivery

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// route says how one kind of deliveries is handled.
type route struct {
	retry    workflow.RetryPolicy
	priority int
	limit    *workflow.EffectLimit // nil for none

	// deliver makes one attempt.
	deliver func(ctx context.Context, d store.Delivery) (attemptEnd, error)

	// dead says how a delivery ends whose attempts are used up. The default is nil: as the dead letter that the settlement makes.
	dead func(ctx context.Context, d store.Delivery, dead store.Settlement) (attemptEnd, error)

	// recurring reports whether a delivery is due again after it was done. nil means never.
	recurring func(d store.Delivery) bool
}

func (r *route) recurs(d store.Delivery) bool { return r.recurring != nil && r.recurring(d) }

// router has the routes of one workflow's deliveries.
type router struct {
	config    Config
	store     *bound.Store
	door      Door
	workflows map[string]*workflow.Workflow // all that are registered
	own       *workflow.Workflow
}

// addEffects adds the routes of effects, and of the ends of children that they start. An effect whose target is not registered has no
// route: it waits for a process that has registered it.
func (r *router) addEffects(routes map[store.Kind]route) {
	for name, options := range r.own.EffectOptions() {
		options.Retry = options.Retry.WithDefaults(r.config.EffectRetry)
		options.Timeout = cmp.Or(options.Timeout, r.config.EffectTimeout)
		e := &effect{r, options}
		way := route{retry: options.Retry, priority: options.Priority, limit: options.Limit}
		if options.Dead != nil {
			way.dead = e.tellOfDeath
		}
		switch target := e.target(); {
		case target == nil:
			way.deliver = e.handle
		case options.Sends != nil && r.config.Remotes[target.Workflow] != nil:
			way.deliver = e.deliverToRemote
		case target.Parent || r.workflows[target.Workflow] != nil:
			way.deliver = e.deliverToTarget
		}
		if way.deliver != nil {
			routes[store.Kind{Workflow: r.own.Name(), Name: name}] = way
		}
		if options.Starts != nil && options.Ended != "" {
			kind := commit.EndedKind(options.Starts.Workflow, r.own.Name())
			routes[kind] = route{retry: r.config.EffectRetry, deliver: r.deliverChildEnd}
		}
	}
}

// addTimers adds the routes of timers, by their inputs, and of schedules.
func (r *router) addTimers(routes map[store.Kind]route) {
	for _, input := range r.own.InputNames() {
		routes[store.Kind{Workflow: r.own.Name(), Name: input}] = route{
			retry: r.config.TimerRetry, deliver: r.deliverTimer, dead: r.skipTimer,
			recurring: func(d store.Delivery) bool { return r.recurrence(d) != nil },
		}
	}
	for _, declared := range r.own.Schedules() {
		s := &schedule{r, declared}
		routes[store.ScheduleKind(r.own.Name(), declared.Name)] = route{
			retry: r.config.TimerRetry, deliver: s.deliver, dead: s.skip,
			recurring: func(store.Delivery) bool { return true },
		}
	}
}

// checkTargets checks that the workflows which effects start or send inputs to are registered and have these inputs. A target that is
// declared external, or is one of Config.External, runs elsewhere, and is checked only when it is registered here. One of Config.Remotes is not
// known here, and cannot be started: its end would not be heard of.
func checkTargets(workflows map[string]*workflow.Workflow, config *Config) error {
	for _, name := range slices.Sorted(maps.Keys(config.Remotes)) {
		if workflows[name] != nil {
			return fmt.Errorf("workflow %s is registered with this engine and named in Config.Remotes; keep one of them", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(workflows)) {
		options := workflows[name].EffectOptions()
		for _, effect := range slices.Sorted(maps.Keys(options)) {
			verb, target := "starts", options[effect].Starts
			if target == nil {
				verb, target = "sends an input to", options[effect].Sends
			}
			if target == nil {
				continue
			}
			if target.Parent {
				if err := checkParents(workflows, name, effect, target.Input); err != nil {
					return err
				}
				continue
			}
			other, registered := workflows[target.Workflow]
			_, remote := config.Remotes[target.Workflow]
			switch {
			case remote && options[effect].Starts != nil:
				return fmt.Errorf("workflow %s: effect %s starts workflow %q, which Config.Remotes names; another service is sent inputs with sends", name, effect, target.Workflow)
			case !registered && (remote || target.External || slices.Contains(config.External, target.Workflow)):
			case !registered:
				return fmt.Errorf(`workflow %s: effect %s %s workflow %q, which is not registered with this engine; pass it to NewEngine, declare "external: true" if another program runs it, or name it in Config.External or Config.Remotes`,
					name, effect, verb, target.Workflow)
			case !slices.Contains(other.InputNames(), target.Input):
				return fmt.Errorf("workflow %s: effect %s %s workflow %q with input %q, which that workflow does not have; its inputs are %s",
					name, effect, verb, target.Workflow, target.Input, strings.Join(other.InputNames(), ", "))
			}
		}
	}
	return nil
}

// checkParents checks that the workflows which start a child have the input that the child sends to its parent.
func checkParents(workflows map[string]*workflow.Workflow, child, effect, input string) error {
	for _, name := range slices.Sorted(maps.Keys(workflows)) {
		starts := false
		for _, options := range workflows[name].EffectOptions() {
			starts = starts || options.Starts != nil && options.Starts.Workflow == child
		}
		if inputs := workflows[name].InputNames(); starts && !slices.Contains(inputs, input) {
			return fmt.Errorf("workflow %s: effect %s sends input %q to the parent, and workflow %q, which starts %s, does not have it; its inputs are %s",
				child, effect, input, name, child, strings.Join(inputs, ", "))
		}
	}
	return nil
}
