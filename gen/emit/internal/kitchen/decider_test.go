package kitchen

import (
	"reflect"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

func TestDeciderFill(t *testing.T) {
	in := Fill{
		KitchenID: "kitchen-1",
		Text:      "text",
		Flag:      true,
		Whole:     100,
		Small:     100,
		Large:     100,
		Ratio:     1.5,
		Price:     "1.50",
		Color:     ColorRed,
		Tree:      Tree{Leaf: Leaf{Name: "name", Color: ColorRed}},
		Texts:     []string{"texts"},
	}
	got := Decider{}.Fill(time.Now(), State{}, in).Events()
	want := []FillEvent{Filled{Tree: &in.Tree, Raw: in.Raw}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got the events %+v, want %+v", got, want)
	}
}

func TestDeciderEmpty(t *testing.T) {
	in := Empty{OtherID: "other-1"}
	got := Decider{}.Empty(time.Now(), State{}, in).Events()
	want := []EmptyEvent{Emptied{}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got the events %+v, want %+v", got, want)
	}
}

// TestEngineFill sends an input through an engine, which checks the decision against the declaration and stores it.
func TestEngineFill(t *testing.T) {
	ctx := t.Context()
	store, err := sqlite.OpenMemory(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	engine, err := runtime.NewEngine(store, runtime.Config{}, NewWorkflow(Decider{}, Evolver{}, Handler{}))
	if err != nil {
		t.Fatal(err)
	}
	client := NewClient(engine)

	in := Fill{
		KitchenID: "kitchen-1",
		Text:      "text",
		Flag:      true,
		Whole:     100,
		Small:     100,
		Large:     100,
		Ratio:     1.5,
		Price:     "1.50",
		Color:     ColorRed,
		Tree:      Tree{Leaf: Leaf{Name: "name", Color: ColorRed}},
		Texts:     []string{"texts"},
	}
	outcome, err := client.Fill(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	if !outcome.Accepted() {
		t.Fatalf("not accepted: %+v", outcome)
	}
	view, err := client.State(ctx, in.KitchenID)
	if err != nil {
		t.Fatal(err)
	}
	if view.Version != 1 {
		t.Errorf("the version is %d, want 1", view.Version)
	}
}
