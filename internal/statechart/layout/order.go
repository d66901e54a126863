package layout

import (
	"cmp"
	"slices"
)

const (
	sweeps      = 24
	maxExchange = 3000 // vertices; with more of them neighbours are not exchanged, which takes long
)

// order puts the vertices of each layer into an order in which few edges cross. It begins with that of a walk from the top,
// and keeps the best of what sweeps up and down find.
func (a *arrangement) order() {
	a.walk()
	best := a.snapshot()
	fewest := a.crossings()
	for i := range sweeps {
		if fewest == 0 {
			break
		}
		a.sweep(i%2 == 0, i%4 < 2)
		if len(a.vertices) <= maxExchange {
			a.exchange()
		}
		if n := a.crossings(); n < fewest {
			fewest, best = n, a.snapshot()
		}
	}
	a.layers = best
	a.number()
}

// walk orders the layers as a search from the top meets the vertices.
func (a *arrangement) walk() {
	found := make([]bool, len(a.vertices))
	layers := make([][]int, len(a.layers))
	var visit func(v int)
	visit = func(v int) {
		if found[v] {
			return
		}
		found[v] = true
		layer := a.vertices[v].layer
		layers[layer] = append(layers[layer], v)
		for _, l := range a.vertices[v].below {
			visit(l.to)
		}
	}
	for _, list := range a.layers {
		for _, v := range list {
			visit(v)
		}
	}
	a.layers = layers
	a.number()
}

func (a *arrangement) snapshot() [][]int {
	layers := make([][]int, len(a.layers))
	for i, list := range a.layers {
		layers[i] = slices.Clone(list)
	}
	return layers
}

// number notes the position of each vertex in its layer.
func (a *arrangement) number() {
	if a.position == nil {
		a.position = make([]int, len(a.vertices))
	}
	for _, list := range a.layers {
		for i, v := range list {
			a.position[v] = i
		}
	}
}

// neighbours returns the links of a vertex to the layer above or below.
func (v *vertex) neighbours(above bool) []link {
	if above {
		return v.above
	}
	return v.below
}

// sweep orders each layer by the median position of the neighbours in the layer before it. Vertices without neighbours keep
// their places. Among equals, a flag says whether the order is kept or turned.
func (a *arrangement) sweep(down, keep bool) {
	for i := range a.layers {
		if !down {
			i = len(a.layers) - 1 - i
		}
		list := a.layers[i]
		median := make(map[int]float64, len(list))
		var moving []int
		for _, v := range list {
			if m, ok := a.median(v, down); ok {
				median[v] = m
				moving = append(moving, v)
			}
		}
		if !keep {
			slices.Reverse(moving)
		}
		slices.SortStableFunc(moving, func(v, w int) int { return cmp.Compare(median[v], median[w]) })
		next := 0
		for j, v := range list {
			if _, moves := median[v]; moves {
				list[j] = moving[next]
				next++
			}
		}
		for j, v := range list {
			a.position[v] = j
		}
	}
}

// median returns the median position of the neighbours above or below, leaning to the side where they are closer together.
func (a *arrangement) median(v int, above bool) (float64, bool) {
	links := a.vertices[v].neighbours(above)
	if len(links) == 0 {
		return 0, false
	}
	places := make([]float64, len(links))
	for i, l := range links {
		places[i] = float64(a.position[l.to])
	}
	slices.Sort(places)
	middle := len(places) / 2
	if len(places)%2 == 1 {
		return places[middle], true
	}
	if len(places) == 2 {
		return (places[0] + places[1]) / 2, true
	}
	left, right := places[middle-1]-places[0], places[len(places)-1]-places[middle]
	if left+right == 0 {
		return (places[middle-1] + places[middle]) / 2, true
	}
	return (places[middle-1]*right + places[middle]*left) / (left + right), true
}

// exchange swaps neighbours in a layer as long as that saves crossings.
func (a *arrangement) exchange() {
	for better := true; better; {
		better = false
		for _, list := range a.layers {
			for i := 0; i+1 < len(list); i++ {
				v, w := list[i], list[i+1]
				if a.between(w, v) < a.between(v, w) {
					list[i], list[i+1] = w, v
					a.position[v], a.position[w] = i+1, i
					better = true
				}
			}
		}
	}
}

// between counts the crossings of the edges of two neighbours, the first of which stands to the left.
func (a *arrangement) between(v, w int) (n int) {
	for _, above := range []bool{true, false} {
		for _, l := range a.vertices[v].neighbours(above) {
			for _, m := range a.vertices[w].neighbours(above) {
				if a.position[l.to] > a.position[m.to] {
					n++
				}
			}
		}
	}
	return n
}

// crossings counts all crossings, by counting inversions between each two layers.
func (a *arrangement) crossings() (n int) {
	for i := 0; i+1 < len(a.layers); i++ {
		counts := make([]int, len(a.layers[i+1])+1) // a binary indexed tree of the ends seen so far
		seen := 0
		for _, v := range a.layers[i] {
			ends := make([]int, 0, len(a.vertices[v].below))
			for _, l := range a.vertices[v].below {
				ends = append(ends, a.position[l.to])
			}
			for _, end := range ends {
				notAfter := 0
				for j := end + 1; j > 0; j -= j & -j {
					notAfter += counts[j]
				}
				n += seen - notAfter
			}
			for _, end := range ends {
				for j := end + 1; j < len(counts); j += j & -j {
					counts[j]++
				}
			}
			seen += len(ends)
		}
	}
	return n
}
