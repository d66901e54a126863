package runtime_test

import (
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// TestTargets checks that an engine refuses workflows whose effects lead nowhere.
func TestTargets(t *testing.T) {
	define := func(name string, options workflow.EffectOptions) *runtime.Workflow {
		return workflow.Define(workflow.Definition[struct{}, any, any, any, any]{
			Workflow: name, InputNames: []string{"Begin"}, EffectOptions: map[string]workflow.EffectOptions{"Go": options},
		})
	}
	store, err := sqlite.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for name, test := range map[string]struct {
		options workflow.EffectOptions
		want    string
	}{
		"starts":                                {workflow.EffectOptions{Starts: &workflow.Target{Workflow: "b", Input: "Begin"}}, ""},
		"sends to itself":                       {workflow.EffectOptions{Sends: &workflow.Target{Workflow: "a", Input: "Begin"}}, ""},
		"unknown workflow":                      {workflow.EffectOptions{Starts: &workflow.Target{Workflow: "c", Input: "Begin"}}, `starts workflow "c", which is not registered`},
		"unknown addressee":                     {workflow.EffectOptions{Sends: &workflow.Target{Workflow: "c", Input: "Begin"}}, `sends an input to workflow "c", which is not registered`},
		"external":                              {workflow.EffectOptions{Starts: &workflow.Target{Workflow: "c", Input: "Begin", External: true}}, ""},
		"unknown input":                         {workflow.EffectOptions{Starts: &workflow.Target{Workflow: "b", Input: "Bgin"}}, `with input "Bgin", which that workflow does not have; its inputs are Begin`},
		"input of an external one that is here": {workflow.EffectOptions{Sends: &workflow.Target{Workflow: "b", Input: "Bgin", External: true}}, `sends an input to workflow "b" with input "Bgin"`},
		"to a parent":                           {workflow.EffectOptions{Sends: &workflow.Target{Parent: true, Input: "Begin"}}, ""},
		"external to the engine":                {workflow.EffectOptions{Starts: &workflow.Target{Workflow: "d", Input: "Begin"}}, ""},
	} {
		_, err := runtime.NewEngine(store, runtime.Config{External: []string{"d"}}, define("a", test.options), define("b", workflow.EffectOptions{}))
		if (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
	child := define("child", workflow.EffectOptions{Sends: &workflow.Target{Parent: true, Input: "Told"}})
	_, err = runtime.NewEngine(store, runtime.Config{}, child,
		define("parent", workflow.EffectOptions{Starts: &workflow.Target{Workflow: "child", Input: "Begin"}}))
	wantError(t, err, `workflow child: effect Go sends input "Told" to the parent, and workflow "parent", which starts child, does not have it; its inputs are Begin`)
}
