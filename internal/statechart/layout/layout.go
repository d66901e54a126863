// Package layout places the boxes of a directed graph in layers, so that edges lead downwards where they can, and routes the
// edges around the boxes.
//
// It goes the usual way of layered drawing: break cycles, assign layers, let long edges pass through a place of their own
// in each layer, order the layers so that few edges cross, and then find coordinates. The label of an edge is such a place,
// in a layer between those of boxes, so labels neither overlap nor cover a box. The result depends on nothing but the graph.
package layout

import (
	"errors"
	"math"
	"slices"
)

// Graph is what is placed. Arrange fills in the fields that are said to be results.
type Graph struct {
	Nodes []Node
	Edges []Edge

	NodeGap  float64 // between neighbours in a layer
	LayerGap float64 // between two layers

	Width, Height float64 // result
}

// Node is a box.
type Node struct {
	Width, Height float64
	Right         float64 // room that is kept free to the right of the box,
	RightHeight   float64 // and its height, of which the box is in the middle

	X, Y float64 // result: the centre of the box
}

// Edge leads from one node to another; both must differ.
type Edge struct {
	From, To                int
	LabelWidth, LabelHeight float64 // 0 for none
	Short                   bool    // the nodes may be in neighbouring layers; there is no room for a label

	// Results: the centre of the label, and the way from From to To. The ways are straight between points 2i and 2i+1, and
	// curves that begin and end vertically between points 2i+1 and 2i+2.
	LabelX, LabelY float64
	Points         []Point
}

// Point is a place. Y grows downwards.
type Point struct{ X, Y float64 }

// maxVertices limits the work. It is far more than anybody looks at.
const maxVertices = 20_000

// ErrTooLarge says that a graph is too large to be arranged in sensible time.
var ErrTooLarge = errors.New("there is too much to draw")

// vertex is a place in a layer: a node, or where an edge passes through.
type vertex struct {
	node        int // -1 for that of an edge
	edge        int // -1 for that of a node
	label       bool
	left, right float64 // from its centre
	height      float64
	layer       int
	x           float64
	above       []link
	below       []link
}

// link is a neighbour in the layer above or below.
type link struct {
	to     int // the vertex
	edge   int
	weight float64
}

type arrangement struct {
	*Graph
	layer    []int  // of each node
	reversed []bool // edges that lead upwards
	vertices []vertex
	layers   [][]int // vertices in order
	chains   [][]int // vertices of each edge from the upper node to the lower
	position []int   // of each vertex in its layer
	top      []float64
	bottom   []float64
}

// Arrange fills in the results.
func (g *Graph) Arrange() error {
	a := &arrangement{Graph: g}
	a.breakCycles()
	a.assignLayers()
	if err := a.makeVertices(); err != nil {
		return err
	}
	a.order()
	a.place()
	a.route()
	return nil
}

// breakCycles finds the edges that lead back: those to a node that the search is still below of.
func (a *arrangement) breakCycles() {
	const fresh, open, done = 0, 1, 2
	state := make([]int, len(a.Nodes))
	a.reversed = make([]bool, len(a.Edges))
	out := make([][]int, len(a.Nodes))
	for i, e := range a.Edges {
		out[e.From] = append(out[e.From], i)
	}
	var visit func(node int)
	visit = func(node int) {
		state[node] = open
		for _, i := range out[node] {
			switch to := a.Edges[i].To; state[to] {
			case fresh:
				visit(to)
			case open:
				a.reversed[i] = true
			}
		}
		state[node] = done
	}
	for node := range a.Nodes {
		if state[node] == fresh {
			visit(node)
		}
	}
}

// ends returns the upper and the lower node of an edge.
func (a *arrangement) ends(edge int) (upper, lower int) {
	e := a.Edges[edge]
	if a.reversed[edge] {
		return e.To, e.From
	}
	return e.From, e.To
}

// span is how many layers an edge takes at least. One layer between is for its label.
func (a *arrangement) span(edge int) int {
	if a.Edges[edge].Short {
		return 1
	}
	return 2
}

// assignLayers puts every node as far up as its edges allow, and then those down that have more to do with what is below.
func (a *arrangement) assignLayers() {
	above, below := make([][]int, len(a.Nodes)), make([][]int, len(a.Nodes))
	for i := range a.Edges {
		upper, lower := a.ends(i)
		above[lower] = append(above[lower], i)
		below[upper] = append(below[upper], i)
	}
	a.layer = make([]int, len(a.Nodes))
	waits := make([]int, len(a.Nodes))
	var sorted []int
	for node := range a.Nodes {
		if waits[node] = len(above[node]); waits[node] == 0 {
			sorted = append(sorted, node)
		}
	}
	for i := 0; i < len(sorted); i++ {
		for _, edge := range below[sorted[i]] {
			_, lower := a.ends(edge)
			a.layer[lower] = max(a.layer[lower], a.layer[sorted[i]]+a.span(edge))
			if waits[lower]--; waits[lower] == 0 {
				sorted = append(sorted, lower)
			}
		}
	}
	for _, node := range slices.Backward(sorted) {
		if len(below[node]) == 0 || len(below[node]) <= len(above[node]) {
			continue
		}
		lowest := math.MaxInt
		for _, edge := range below[node] {
			_, lower := a.ends(edge)
			lowest = min(lowest, a.layer[lower]-a.span(edge))
		}
		a.layer[node] = lowest
	}
	if len(sorted) > 0 {
		highest := slices.Min(a.layer)
		for node := range a.layer {
			a.layer[node] -= highest
		}
	}
}

// makeVertices makes the places of nodes and edges in the layers.
func (a *arrangement) makeVertices() error {
	depth := 0
	count := len(a.Nodes)
	for node := range a.Nodes {
		depth = max(depth, a.layer[node]+1)
	}
	for i := range a.Edges {
		upper, lower := a.ends(i)
		count += a.layer[lower] - a.layer[upper] - 1
	}
	if count > maxVertices {
		return ErrTooLarge
	}
	a.layers = make([][]int, depth)
	add := func(v vertex, layer int) int {
		v.layer = layer
		a.vertices = append(a.vertices, v)
		a.layers[layer] = append(a.layers[layer], len(a.vertices)-1)
		return len(a.vertices) - 1
	}
	for i, n := range a.Nodes {
		add(vertex{node: i, edge: -1, left: n.Width / 2, right: n.Width/2 + n.Right, height: max(n.Height, n.RightHeight)}, a.layer[i])
	}
	a.chains = make([][]int, len(a.Edges))
	for i, e := range a.Edges {
		upper, lower := a.ends(i)
		middle := (a.layer[upper] + a.layer[lower]) / 2
		chain := []int{upper}
		for layer := a.layer[upper] + 1; layer < a.layer[lower]; layer++ {
			v := vertex{node: -1, edge: i, left: edgeRoom, right: edgeRoom}
			if layer == middle && e.LabelWidth > 0 {
				v.label, v.height = true, e.LabelHeight
				v.left, v.right = e.LabelWidth/2, e.LabelWidth/2
			}
			chain = append(chain, add(v, layer))
		}
		a.chains[i] = append(chain, lower)
		for j := 1; j < len(a.chains[i]); j++ {
			a.join(a.chains[i][j-1], a.chains[i][j], i)
		}
	}
	return nil
}

// edgeRoom is what a passing edge keeps free on both sides.
const edgeRoom = 6

// join links two vertices of neighbouring layers. Edges should be straight where they pass layers, more than where they
// meet nodes.
func (a *arrangement) join(upper, lower, edge int) {
	weight := 1.0
	for _, v := range []int{upper, lower} {
		if a.vertices[v].edge >= 0 {
			weight *= 3
		}
	}
	a.vertices[upper].below = append(a.vertices[upper].below, link{lower, edge, weight})
	a.vertices[lower].above = append(a.vertices[lower].above, link{upper, edge, weight})
}
