package contract_test

import (
	"testing"

	v2 "github.com/ironflow-gen/ironflow/examples/evolution/v2"
	generated "github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/gen/contract"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// TestModel compares the programs that follow from declarations with the generated code of examples: both read every payload alike, also those that
// they cannot read.
func TestModel(t *testing.T) {
	t.Parallel()
	const examples = "../../examples/"
	load := func(dir, name string) (*program, *contract.Set) {
		file := examples + dir + "/" + name + ".ironflow"
		lock, err := contract.Parse("lock", readFile(t, file+".lock"), "")
		if err != nil {
			t.Fatal(err)
		}
		return newProgram(t, declaration(t, dir, string(readFile(t, file+".yaml"))), lock), lock
	}
	orders, _ := load("order/order", "order")
	first, _ := load("evolution/v1", "subscription")
	second, _ := load("evolution/v2", "subscription")
	for name, test := range map[string]struct {
		of    stored
		model *program
		code  *workflow.Workflow
	}{
		"order":                    {stores(t, orders), orders, generated.NewWorkflow(generated.Decider{}, generated.Evolver{}, generated.Handler{})},
		"subscription, version 2":  {stores(t, second), second, v2.NewWorkflow(v2.Decider{}, v2.Evolver{}, &v2.Handler{})},
		"subscription of before":   {stores(t, first), second, v2.NewWorkflow(v2.Decider{}, v2.Evolver{}, &v2.Handler{})},
		"subscription of an order": {stores(t, orders), second, v2.NewWorkflow(v2.Decider{}, v2.Evolver{}, &v2.Handler{})},
	} {
		broken := test.of.payloads
		for _, p := range test.of.payloads { // what nobody can read
			p.text = "{\"account_id\":7,\"cents\":\"x\",\"order_id\":false," + p.text[1:]
			if len(p.text) < 60 {
				continue
			}
			broken = append(broken, p)
		}
		for _, p := range broken {
			text, goes, err := readPayload(test.model.Workflow, p)
			wantText, wantGoes, wantErr := readPayload(test.code, p)
			if text != wantText || goes != wantGoes || (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
				t.Errorf("%s: %s %s %s: the model reads\n\t%s %q, error %v\nand the generated code\n\t%s %q, error %v", name, p.kind, p.name, p.text, text, goes, err, wantText, wantGoes, wantErr)
			}
		}
	}
}
