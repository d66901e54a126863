// Package svg draws state machines as SVG.
package svg

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/ironflow-gen/ironflow/internal/statechart"
	"github.com/ironflow-gen/ironflow/internal/statechart/layout"
)

// Sizes of the drawing.
const (
	nameSize  = 14.0 // of fonts
	smallSize = 11.0
	labelSize = 12.0
	titleSize = 16.0

	padX, padY  = 16.0, 10.0 // inside of a state
	leading     = 1.35       // of lines, in font sizes
	margin      = 24.0       // around the drawing
	labelPad    = 4.0
	labelWrap   = 230.0 // width at which a label goes on in another line
	startRadius = 6.0
	loopReach   = 26.0 // of an arrow from a state to itself
)

// textLine is one line of a text in the drawing.
type textLine struct {
	text  string
	small bool
}

func (l textLine) size() float64 {
	if l.small {
		return smallSize
	}
	return labelSize
}

// Marks say what is marked in a drawing. The zero value marks nothing.
type Marks struct {
	Current string             // name of a state
	Taken   map[[2]string]bool // arrows, by the names of the states that they lead from and to; their states are marked as well
	Links   map[string]string  // addresses that states lead to, by their names
}

// drawing is a machine with its layout.
type drawing struct {
	*statechart.Machine
	doc    string // one line
	marks  Marks
	graph  layout.Graph
	labels [][]textLine // of each arrow
	edges  []int        // the edge of each arrow, -1 for one from a state to itself
	out    bytes.Buffer
}

// Draw draws a machine with a description. A way without an event is written as its input alone, and one without both is not written: so
// the pictures of the documentation are drawn, too.
func Draw(m *statechart.Machine, doc string, marks Marks) ([]byte, error) {
	d := &drawing{Machine: m, marks: marks}
	d.doc, _, _ = strings.Cut(doc, "\n")
	d.graph.NodeGap, d.graph.LayerGap = 30, 32
	for _, s := range m.States {
		d.graph.Nodes = append(d.graph.Nodes, stateSize(s))
	}
	d.graph.Nodes = append(d.graph.Nodes, layout.Node{Width: 2 * startRadius, Height: 2 * startRadius})
	for _, a := range m.Arrows {
		var label []textLine
		for _, w := range a.Ways {
			if w.Input != "" {
				label = append(label, wayLabel(w)...)
			}
		}
		d.labels = append(d.labels, label)
		width, height := labelBox(label)
		if a.From == a.To {
			d.edges = append(d.edges, -1)
			n := &d.graph.Nodes[a.From]
			n.Right = loopReach + width
			n.RightHeight = height
			continue
		}
		d.edges = append(d.edges, len(d.graph.Edges))
		d.graph.Edges = append(d.graph.Edges, layout.Edge{
			From: a.From, To: a.To, LabelWidth: width, LabelHeight: height, Short: label == nil,
		})
	}
	d.graph.Edges = append(d.graph.Edges, layout.Edge{From: len(m.States), To: 0, Short: true})
	if err := d.graph.Arrange(); err != nil {
		return nil, fmt.Errorf("%w as svg; try dot", err)
	}
	d.draw()
	return d.out.Bytes(), nil
}

// stateSize is the box of a state.
func stateSize(s statechart.State) layout.Node {
	width, height := textWidth(s.Name, nameSize, true), nameSize*leading
	for _, t := range s.Notes {
		width = max(width, textWidth(t, smallSize, false))
		height += smallSize * leading
	}
	return layout.Node{Width: max(width+2*padX, 72), Height: height + 2*padY}
}

// wayLabel is the text of a way, with what it asks for on lines of its own.
func wayLabel(w statechart.Way) []textLine {
	if w.Event == "" {
		return []textLine{{text: w.Input}}
	}
	lines := []textLine{{text: w.Input + statechart.LeadsTo + w.Event}}
	if textWidth(lines[0].text, labelSize, false) > labelWrap {
		lines = []textLine{{text: w.Input + strings.TrimRight(statechart.LeadsTo, " ")}, {text: w.Event}}
	}
	more := "+ "
	for i, ask := range w.Asks {
		if i > 0 && textWidth(more+ask, smallSize, false) > labelWrap {
			lines = append(lines, textLine{strings.TrimRight(more, " "), true})
			more = ""
		}
		more += ask
		if i+1 < len(w.Asks) {
			more += ", "
		}
	}
	if len(w.Asks) > 0 {
		lines = append(lines, textLine{more, true})
	}
	return lines
}

func labelBox(label []textLine) (width, height float64) {
	if label == nil {
		return 0, 0
	}
	for _, l := range label {
		width = max(width, textWidth(l.text, l.size(), false))
		height += l.size() * leading
	}
	return width + 2*labelPad, height + 2*labelPad
}

// StyleElement is the element of a drawing that has its style. A page that allows no style elements takes it out, and has Style in a sheet of
// its own.
const StyleElement = "<style>" + Style + "</style>\n"

// Style is the style of a drawing. It follows the reader's colours, light or dark.
const Style = `
  .back { fill: #ffffff; }
  text { font-family: Helvetica, Arial, sans-serif; fill: #1f2430; }
  .title { font-size: 16px; font-weight: bold; }
  .name { font-size: 14px; font-weight: bold; text-anchor: middle; }
  .timer { font-size: 11px; text-anchor: middle; fill: #6b5a12; }
  .label { font-size: 12px; text-anchor: middle; }
  .loop { font-size: 12px; }
  .small { font-size: 11px; fill: #5a6472; }
  .state { fill: #eef3fb; stroke: #4a6fa5; stroke-width: 1.5; }
  .terminal { fill: #f1f1ef; stroke: #6d6f76; }
  .inner { fill: none; stroke: #6d6f76; }
  .edge { fill: none; stroke: #6b7686; stroke-width: 1.4; }
  .head, .start { fill: #6b7686; }
  .visited { stroke-width: 2.5; }
  .current { fill: #ffd866; stroke: #8a6d00; stroke-width: 2.5; }
  .edge.taken { stroke: #2f5fa8; stroke-width: 2.6; }
  .head.taken { fill: #2f5fa8; }
  @media (prefers-color-scheme: dark) {
    .back { fill: #14171c; }
    text { fill: #e4e8ef; }
    .timer { fill: #d9c274; }
    .small { fill: #a3adba; }
    .state { fill: #1d2a3d; stroke: #7fa3d8; }
    .terminal { fill: #26282c; stroke: #9a9da5; }
    .inner { stroke: #9a9da5; }
    .edge { stroke: #8b96a6; }
    .head, .start { fill: #8b96a6; }
    .current { fill: #6a5200; stroke: #ffd866; }
    .edge.taken { stroke: #8fb8f5; }
    .head.taken { fill: #8fb8f5; }
  }
`

func (d *drawing) draw() {
	top := margin + titleSize*leading + 8
	width := max(d.graph.Width, textWidth(d.Name, titleSize, true)) + 2*margin
	height := d.graph.Height + top + margin
	role := "img"
	if len(d.marks.Links) > 0 {
		role = "group" // an image has no links for readers of screens
	}
	d.printf(`<svg xmlns="http://www.w3.org/2000/svg" width="%s" height="%s" viewBox="0 0 %[1]s %[2]s" role="%s">`+"\n",
		number(math.Ceil(width)), number(math.Ceil(height)), role)
	d.printf("<title>%s</title>\n", escape(d.Name))
	if d.doc != "" {
		d.printf("<desc>%s</desc>\n", escape(d.doc))
	}
	d.out.WriteString(StyleElement)
	d.printf(`<rect class="back" width="100%%" height="100%%"/>` + "\n")
	d.printf(`<text class="title" x="%s" y="%s">%s</text>`+"\n", number(margin), number(margin+titleSize), escape(d.Name))
	d.printf(`<g transform="translate(%s %s)">`+"\n", number(margin+(width-2*margin-d.graph.Width)/2), number(top))
	taken := make([]string, len(d.graph.Edges))
	for i, a := range d.Arrows {
		if d.edges[i] >= 0 {
			taken[d.edges[i]] = d.taken(a)
		}
	}
	for i := range d.graph.Edges {
		d.edge(d.graph.Edges[i].Points, taken[i])
	}
	for i, a := range d.Arrows {
		if d.edges[i] < 0 {
			d.loop(a.From, d.labels[i], d.taken(a))
			continue
		}
		if d.labels[i] == nil {
			continue
		}
		e := d.graph.Edges[d.edges[i]]
		d.label(e.LabelX, e.LabelY, d.labels[i])
	}
	start := d.graph.Nodes[len(d.States)]
	d.printf(`<circle class="start" cx="%s" cy="%s" r="%s"/>`+"\n", number(start.X), number(start.Y), number(startRadius))
	for i, s := range d.States {
		d.state(s, d.graph.Nodes[i])
	}
	d.printf("</g>\n</svg>\n")
}

// taken is the class of an arrow that is marked.
func (d *drawing) taken(a statechart.Arrow) string {
	if d.marks.Taken[[2]string{d.States[a.From].Name, d.States[a.To].Name}] {
		return " taken"
	}
	return ""
}

// marked is the class of a state that is marked.
func (d *drawing) marked(name string) string {
	if name == d.marks.Current {
		return " current"
	}
	for way := range d.marks.Taken {
		if way[0] == name || way[1] == name {
			return " visited"
		}
	}
	return ""
}

func (d *drawing) printf(format string, args ...any) { fmt.Fprintf(&d.out, format, args...) }

// headLength is how far an arrow's head reaches.
const headLength = 8.0

// edge draws an arrow along points as the layout gives them, with a class for what is marked.
func (d *drawing) edge(points []layout.Point, mark string) {
	last := len(points) - 1
	end := points[last]
	direction := 1.0 // down
	if end.Y < points[0].Y {
		direction = -1
	}
	points[last].Y -= direction * headLength
	if (points[last].Y-points[last-1].Y)*direction < 0 {
		points[last-1].Y = points[last].Y // the head takes some of the curve
	}
	var path strings.Builder
	fmt.Fprintf(&path, "M%s %s", number(points[0].X), number(points[0].Y))
	for i := 1; i <= last; i++ {
		p, q := points[i-1], points[i]
		switch {
		case p == q:
		case i%2 == 1:
			fmt.Fprintf(&path, " L%s %s", number(q.X), number(q.Y))
		default:
			middle := (p.Y + q.Y) / 2
			fmt.Fprintf(&path, " C%s %s %s %s %s %s", number(p.X), number(middle), number(q.X), number(middle), number(q.X), number(q.Y))
		}
	}
	d.printf(`<path class="edge%s" d="%s"/>`+"\n", mark, path.String())
	d.printf(`<path class="head%s" d="M%s %s l-4 %s h8 z"/>`+"\n", mark, number(end.X), number(end.Y), number(-direction*headLength))
}

// label writes the text of an arrow over it.
func (d *drawing) label(x, y float64, label []textLine) {
	width, height := labelBox(label)
	d.printf(`<rect class="back" x="%s" y="%s" width="%s" height="%s" rx="4"/>`+"\n",
		number(x-width/2), number(y-height/2), number(width), number(height))
	d.lines("label", x, y-height/2+labelPad, label)
}

// lines writes lines of text, the first of them below y.
func (d *drawing) lines(class string, x, y float64, lines []textLine) {
	for _, l := range lines {
		y += l.size() * leading
		small := ""
		if l.small {
			small = " small"
		}
		d.printf(`<text class="%s%s" x="%s" y="%s">%s</text>`+"\n", class, small, number(x), number(y-l.size()*0.3), escape(l.text))
	}
}

// loop draws an arrow from a state to itself, at its right side.
func (d *drawing) loop(node int, label []textLine, mark string) {
	n := d.graph.Nodes[node]
	x, y := n.X+n.Width/2, n.Y
	reach := min(12, n.Height/2-8)
	d.printf(`<path class="edge%s" d="M%s %s C%s %s %s %s %s %s"/>`+"\n",
		mark, number(x), number(y-reach), number(x+loopReach), number(y-reach-6), number(x+loopReach), number(y+reach+6),
		number(x+headLength), number(y+reach))
	d.printf(`<path class="head%s" d="M%s %s l8 -4 v8 z"/>`+"\n", mark, number(x), number(y+reach))
	_, height := labelBox(label)
	d.lines("loop", x+loopReach, y-height/2+labelPad, label)
}

// state draws a box with what is in it.
func (d *drawing) state(s statechart.State, n layout.Node) {
	x, y := n.X-n.Width/2, n.Y-n.Height/2
	class := "state"
	if s.Terminal {
		class = "state terminal"
	}
	class += d.marked(s.Name)
	link, leads := d.marks.Links[s.Name]
	if leads {
		d.printf(`<a href="%s">`, escape(link))
	}
	d.printf(`<rect class="%s" x="%s" y="%s" width="%s" height="%s" rx="9"/>`+"\n", class, number(x), number(y), number(n.Width), number(n.Height))
	if s.Terminal {
		d.printf(`<rect class="inner" x="%s" y="%s" width="%s" height="%s" rx="6"/>`+"\n",
			number(x+3), number(y+3), number(n.Width-6), number(n.Height-6))
	}
	height := nameSize*leading + float64(len(s.Notes))*smallSize*leading
	at := n.Y - height/2 + nameSize*leading
	d.printf(`<text class="name" x="%s" y="%s">%s</text>`+"\n", number(n.X), number(at-nameSize*0.3), escape(s.Name))
	for _, t := range s.Notes {
		at += smallSize * leading
		d.printf(`<text class="timer" x="%s" y="%s">%s</text>`+"\n", number(n.X), number(at-smallSize*0.3), escape(t))
	}
	if leads {
		d.printf("</a>\n")
	}
}

// number writes a coordinate with one digit at most behind the point.
func number(x float64) string {
	return strconv.FormatFloat(math.Round(x*10)/10+0, 'f', -1, 64)
}

func escape(text string) string {
	var b strings.Builder
	if xml.EscapeText(&b, []byte(text)) != nil {
		return "" // a Builder takes everything
	}
	return b.String()
}
