package workflow

import (
	"math/big"
	"net/netip"
	"reflect"
	"testing"
	"time"
)

type (
	copyNode struct {
		Name     string
		Children []copyNode
		Next     *copyNode
	}
	copyAll struct {
		Text  string
		At    time.Time
		Bytes []byte
		Empty []int
		Map   map[string]*copyNode
		Any   any
		Array [2][]int
		Big   big.Int
		Addr  netip.Addr
		Node  copyNode
	}
)

func TestCopyOf(t *testing.T) {
	t.Parallel()
	make := func() copyAll {
		return copyAll{
			Text: "x", At: time.Unix(1, 2), Bytes: []byte("b"), Empty: []int{}, Map: map[string]*copyNode{"a": {Name: "n"}, "nil": nil},
			Any: []any{map[string]int{"k": 1}}, Array: [2][]int{{1}, nil}, Big: *big.NewInt(1 << 40), Addr: netip.MustParseAddr("::1%eth0"),
			Node: copyNode{Name: "root", Children: []copyNode{{Name: "leaf", Next: &copyNode{Name: "next"}}}},
		}
	}
	var c copier
	original := make()
	copied, ok := c.copyOf(original)
	if !ok || !reflect.DeepEqual(copied, original) {
		t.Fatalf("got %+v, %v", copied, ok)
	}
	own := copied.(copyAll)
	own.Bytes[0], own.Array[0][0], own.Map["a"].Name, own.Map["b"] = 'c', 9, "changed", nil
	own.Any.([]any)[0].(map[string]int)["k"] = 9
	own.Big.SetBit(&own.Big, 0, 1)
	own.Node.Children[0].Next.Name = "changed"
	if want := make(); !reflect.DeepEqual(original, want) {
		t.Errorf("the original is changed to %+v", original)
	}
}

func TestCopyOfWhatCannotBeCopied(t *testing.T) {
	t.Parallel()
	type hidden struct{ list []int }
	circle := &copyNode{}
	circle.Next = circle
	var c copier
	for name, v := range map[string]any{
		"hidden": hidden{[]int{1}}, "channel": []any{make(chan int)}, "function": struct{ F func() }{}, "circle": circle,
	} {
		if copied, ok := c.copyOf(v); ok {
			t.Errorf("%s: got a copy, %v", name, copied)
		}
	}
	for name, v := range map[string]any{"nil": nil, "plain": struct{ a, B int }{1, 2}, "time": time.Now()} {
		if copied, ok := c.copyOf(v); !ok || copied != v {
			t.Errorf("%s: got %v, %v", name, copied, ok)
		}
	}
}

// What a copy of the state costs a decision.
func BenchmarkCopyOf(b *testing.B) {
	type item struct {
		Sku      string
		Quantity int32
		Price    int64
	}
	type state struct {
		Items []item
		Total int64
		Paid  *time.Time
	}
	now := time.Now()
	for name, v := range map[string]any{
		"plain": struct{ Total, Count int64 }{1, 2}, "10 items": state{make([]item, 10), 1, &now}, "1000 items": state{make([]item, 1000), 1, &now},
		"map of 100 lists": func() any {
			m := make(map[string][]string)
			for i := range 100 {
				m[time.Unix(int64(i), 0).String()] = []string{"a", "b"}
			}
			return m
		}(),
	} {
		b.Run(name, func(b *testing.B) {
			var c copier
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := c.copyOf(v); !ok {
					b.Fatal("it cannot be copied")
				}
			}
		})
	}
}
