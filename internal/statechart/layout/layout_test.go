package layout

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// random makes a graph whose first node leads to all others.
func random(r *rand.Rand) *Graph {
	g := &Graph{NodeGap: 20, LayerGap: 30}
	for range 1 + r.IntN(14) {
		n := Node{Width: 40 + r.Float64()*160, Height: 30 + r.Float64()*40}
		if r.IntN(3) == 0 {
			n.Right, n.RightHeight = 100*r.Float64(), 120*r.Float64()
		}
		g.Nodes = append(g.Nodes, n)
	}
	for i := 1; i < len(g.Nodes); i++ {
		g.Edges = append(g.Edges, edge(r, r.IntN(i), i))
	}
	for range r.IntN(2 * len(g.Nodes)) {
		if from, to := r.IntN(len(g.Nodes)), r.IntN(len(g.Nodes)); from != to {
			g.Edges = append(g.Edges, edge(r, from, to))
		}
	}
	return g
}

func edge(r *rand.Rand, from, to int) Edge {
	e := Edge{From: from, To: to}
	if r.IntN(5) > 0 {
		e.LabelWidth, e.LabelHeight = 20+r.Float64()*200, 15+r.Float64()*60
	}
	return e
}

// box is a part of the drawing that nothing else may cover.
type box struct {
	left, top, right, bottom float64
	what                     string
	of                       int
}

func (b box) covers(c box) bool {
	const rounding = 1e-6
	return b.left < c.right-rounding && c.left < b.right-rounding && b.top < c.bottom-rounding && c.top < b.bottom-rounding
}

func boxes(g *Graph) []box {
	var list []box
	for i, n := range g.Nodes {
		height := max(n.Height, n.RightHeight)
		list = append(list, box{n.X - n.Width/2, n.Y - height/2, n.X + n.Width/2 + n.Right, n.Y + height/2, "node", i})
	}
	for i, e := range g.Edges {
		if e.LabelWidth > 0 {
			list = append(list, box{e.LabelX - e.LabelWidth/2, e.LabelY - e.LabelHeight/2, e.LabelX + e.LabelWidth/2, e.LabelY + e.LabelHeight/2, "label", i})
		}
	}
	return list
}

func TestArrange(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for round := range 300 {
		g := random(r)
		again := &Graph{Nodes: slices.Clone(g.Nodes), Edges: slices.Clone(g.Edges), NodeGap: g.NodeGap, LayerGap: g.LayerGap}
		if err := g.Arrange(); err != nil {
			t.Fatal(err)
		}
		if err := again.Arrange(); err != nil || !reflect.DeepEqual(g, again) {
			t.Fatalf("round %d: the same graph is arranged in two ways, %v", round, err)
		}
		list := boxes(g)
		for i, b := range list {
			if b.left < -1e-6 || b.top < -1e-6 || b.right > g.Width+1e-6 || b.bottom > g.Height+1e-6 || math.IsNaN(b.left+b.top) {
				t.Fatalf("round %d: %s %d is outside of %g x %g: %+v", round, b.what, b.of, g.Width, g.Height, b)
			}
			for _, c := range list[:i] {
				if b.covers(c) {
					t.Fatalf("round %d: %s %d covers %s %d", round, b.what, b.of, c.what, c.of)
				}
			}
		}
		for i, e := range g.Edges {
			checkEdge(t, g, i, e)
		}
	}
}

// checkEdge checks that an edge begins and ends at its nodes, and passes through no other, nor through another's label.
func checkEdge(t *testing.T, g *Graph, number int, e Edge) {
	t.Helper()
	if len(e.Points)%2 != 0 || len(e.Points) < 4 {
		t.Fatalf("edge %d has %d points", number, len(e.Points))
	}
	for _, end := range []struct {
		p Point
		n Node
	}{{e.Points[0], g.Nodes[e.From]}, {e.Points[len(e.Points)-1], g.Nodes[e.To]}} {
		if math.Abs(end.p.X-end.n.X) > end.n.Width/2 || math.Abs(math.Abs(end.p.Y-end.n.Y)-end.n.Height/2) > 1e-6 {
			t.Fatalf("edge %d ends at %v, which is not at the side of %+v", number, end.p, end.n)
		}
	}
	// Between the layers there is nothing to run into, so the straight parts are what counts.
	for i := 0; i+1 < len(e.Points); i += 2 {
		p, q := e.Points[i], e.Points[i+1]
		if p.X != q.X {
			t.Fatalf("edge %d is not vertical where it passes a layer", number)
		}
		part := box{left: p.X - 1, right: p.X + 1, top: min(p.Y, q.Y), bottom: max(p.Y, q.Y)}
		for _, b := range boxes(g) {
			own := b.what == "node" && (b.of == e.From || b.of == e.To) || b.what == "label" && b.of == number
			if !own && part.covers(b) {
				t.Fatalf("edge %d passes through %s %d", number, b.what, b.of)
			}
		}
	}
}

// TestShape checks what makes a picture readable.
func TestShape(t *testing.T) {
	node := Node{Width: 80, Height: 40}
	// a → b → c → a, b → d, and a → d over all layers.
	g := &Graph{NodeGap: 20, LayerGap: 30, Nodes: []Node{node, node, node, node}, Edges: []Edge{
		{From: 0, To: 1, LabelWidth: 50, LabelHeight: 20}, {From: 1, To: 2, LabelWidth: 50, LabelHeight: 20},
		{From: 2, To: 0, LabelWidth: 50, LabelHeight: 20}, {From: 2, To: 3, LabelWidth: 50, LabelHeight: 20},
		{From: 0, To: 3, LabelWidth: 50, LabelHeight: 20},
	}}
	if err := g.Arrange(); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if g.Nodes[i].Y >= g.Nodes[i+1].Y {
			t.Errorf("node %d is not above node %d", i, i+1)
		}
	}
	back := g.Edges[2].Points
	if back[0].Y < back[len(back)-1].Y {
		t.Error("the edge that leads back goes down")
	}
	long := g.Edges[4].Points
	for _, p := range long[2 : len(long)-2] {
		if p.X != long[2].X {
			t.Errorf("the long edge is not straight: %v", long)
			break
		}
	}
}

func TestCrossings(t *testing.T) {
	// Two layers in the worst order: all four edges cross all others unless they are sorted.
	g := &Graph{NodeGap: 20, LayerGap: 30}
	for range 8 {
		g.Nodes = append(g.Nodes, Node{Width: 30, Height: 30})
	}
	for i := range 4 {
		g.Edges = append(g.Edges, Edge{From: i, To: 7 - i, Short: true})
	}
	a := &arrangement{Graph: g}
	a.breakCycles()
	a.assignLayers()
	if err := a.makeVertices(); err != nil {
		t.Fatal(err)
	}
	a.number()
	if n := a.crossings(); n != 6 {
		t.Errorf("%d crossings before, want 6", n)
	}
	a.order()
	if n := a.crossings(); n != 0 {
		t.Errorf("%d crossings after, want none", n)
	}
}

func TestTooLarge(t *testing.T) {
	g := &Graph{Nodes: make([]Node, 300)}
	for i := range g.Nodes {
		for j := range i {
			g.Edges = append(g.Edges, Edge{From: j, To: i})
		}
	}
	if err := g.Arrange(); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	if err := (&Graph{}).Arrange(); err != nil {
		t.Errorf("an empty graph gives %v", err)
	}
}
