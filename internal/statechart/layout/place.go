package layout

import (
	"cmp"
	"math"
	"slices"
)

const rounds = 60

// place finds the coordinates. Each layer in turn is put where its vertices are nearest to their neighbours, without
// changing their order or letting them touch, until there is little left to gain.
func (a *arrangement) place() {
	for _, list := range a.layers {
		x := 0.0
		for i, v := range list {
			if i > 0 {
				x += a.separation(list[i-1], v)
			}
			a.vertices[v].x = x
		}
	}
	for round := range rounds {
		for i := range a.layers {
			above, below := true, round > 1 // the first rounds only look back, so that the picture unfolds
			if round%2 == 1 {
				i = len(a.layers) - 1 - i
				above, below = below, true
			}
			a.settle(a.layers[i], above, below)
		}
	}
	a.straighten()
	left, right := math.Inf(1), math.Inf(-1)
	for _, v := range a.vertices {
		left, right = min(left, v.x-v.left), max(right, v.x+v.right)
	}
	if len(a.vertices) == 0 {
		left, right = 0, 0
	}
	for i := range a.vertices {
		a.vertices[i].x -= left
	}
	a.Width = right - left
	y := 0.0
	for i, list := range a.layers {
		height := 0.0
		for _, v := range list {
			height = max(height, a.vertices[v].height)
		}
		a.top = append(a.top, y)
		a.bottom = append(a.bottom, y+height)
		y += height
		if i+1 < len(a.layers) {
			y += a.LayerGap
		}
	}
	a.Height = y
}

// separation is the distance that the centres of two neighbours must have.
func (a *arrangement) separation(left, right int) float64 {
	gap := a.NodeGap
	if a.vertices[left].node < 0 && a.vertices[right].node < 0 && !a.vertices[left].label && !a.vertices[right].label {
		gap = 0 // passing edges have room around them
	}
	return a.vertices[left].right + gap + a.vertices[right].left
}

// settle moves the vertices of a layer to the places nearest to where each wants to be that keep them apart: the least sum
// of squares, found by joining those that would overlap into groups that move as one.
func (a *arrangement) settle(list []int, above, below bool) {
	type group struct {
		first, last int // in list
		sum, weight float64
		place       float64 // of the first vertex
	}
	var groups []group
	offset := 0.0
	offsets := make([]float64, len(list)) // of each vertex in a group of all
	for i, v := range list {
		if i > 0 {
			offset += a.separation(list[i-1], v)
		}
		offsets[i] = offset
		want, weight := a.desire(v, above, below)
		g := group{first: i, last: i, sum: weight * (want - offset), weight: weight}
		g.place = g.sum / g.weight
		for len(groups) > 0 && groups[len(groups)-1].place > g.place {
			before := groups[len(groups)-1]
			groups = groups[:len(groups)-1]
			g = group{first: before.first, last: g.last, sum: before.sum + g.sum, weight: before.weight + g.weight}
			g.place = g.sum / g.weight
		}
		groups = append(groups, g)
	}
	for _, g := range groups {
		for i := g.first; i <= g.last; i++ {
			a.vertices[list[i]].x = g.place + offsets[i]
		}
	}
}

// desire returns where a vertex wants to be for the sake of its neighbours, and how much.
func (a *arrangement) desire(v int, above, below bool) (x, weight float64) {
	add := func(links []link) {
		for _, l := range links {
			x += l.weight * a.vertices[l.to].x
			weight += l.weight
		}
	}
	if above {
		add(a.vertices[v].above)
	}
	if below {
		add(a.vertices[v].below)
	}
	if weight == 0 {
		return a.vertices[v].x, 0.01
	}
	return x / weight, weight
}

// straighten makes edges vertical where they pass layers, as far as there is room. The sum of squares would have them bend a
// little in each layer.
func (a *arrangement) straighten() {
	for range straightenings {
		for _, chain := range a.chains {
			inner := chain[1 : len(chain)-1]
			for start := 0; start < len(inner); {
				low, high := a.room(inner[start])
				end := start + 1
				for ; end < len(inner); end++ {
					l, h := a.room(inner[end])
					if max(l, low) > min(h, high) {
						break
					}
					low, high = max(l, low), min(h, high)
				}
				a.align(inner[start:end], low, high)
				start = end
			}
		}
	}
}

const straightenings = 8

// room returns between which places a vertex can move without touching its neighbours.
func (a *arrangement) room(v int) (low, high float64) {
	low, high = math.Inf(-1), math.Inf(1)
	list, i := a.layers[a.vertices[v].layer], a.position[v]
	if i > 0 {
		low = a.vertices[list[i-1]].x + a.separation(list[i-1], v)
	}
	if i+1 < len(list) {
		high = a.vertices[list[i+1]].x - a.separation(v, list[i+1])
	}
	return low, high
}

// align moves vertices to one x between two limits, the one that is nearest to where most of them are.
func (a *arrangement) align(chain []int, low, high float64) {
	places := make([]float64, len(chain))
	for i, v := range chain {
		places[i] = a.vertices[v].x
	}
	slices.Sort(places)
	x := min(max(places[len(places)/2], low), high)
	for _, v := range chain {
		a.vertices[v].x = x
	}
}

// route fills in the results.
func (a *arrangement) route() {
	for i := range a.Nodes {
		n, layer := &a.Nodes[i], a.layer[i]
		n.X, n.Y = a.vertices[i].x, (a.top[layer]+a.bottom[layer])/2
	}
	leaves := a.ports(false)
	arrives := a.ports(true)
	for i := range a.Edges {
		e := &a.Edges[i]
		upper, lower := a.ends(i)
		points := []Point{
			{leaves[i], a.Nodes[upper].Y + a.Nodes[upper].Height/2},
			{leaves[i], a.bottom[a.layer[upper]]},
		}
		for j, v := range a.chains[i][1 : len(a.chains[i])-1] {
			layer := a.layer[upper] + 1 + j
			x := a.vertices[v].x
			points = append(points, Point{x, a.top[layer]}, Point{x, a.bottom[layer]})
			if a.vertices[v].label {
				e.LabelX, e.LabelY = x, (a.top[layer]+a.bottom[layer])/2
			}
		}
		points = append(points,
			Point{arrives[i], a.top[a.layer[lower]]},
			Point{arrives[i], a.Nodes[lower].Y - a.Nodes[lower].Height/2})
		if a.reversed[i] {
			slices.Reverse(points)
		}
		e.Points = points
	}
}

// ports spreads the edges at the upper or lower side of each node, in the order in which they come.
func (a *arrangement) ports(above bool) []float64 {
	ports := make([]float64, len(a.Edges))
	for i, n := range a.Nodes {
		links := slices.Clone(a.vertices[i].neighbours(above))
		slices.SortStableFunc(links, func(l, m link) int { return cmp.Compare(a.vertices[l.to].x, a.vertices[m.to].x) })
		gap := min(28, n.Width*0.8/float64(max(len(links)-1, 1)))
		for j, l := range links {
			ports[l.edge] = n.X + gap*(float64(j)-float64(len(links)-1)/2)
		}
	}
	return ports
}
