package svg

import (
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/internal/statechart"
)

// TestMarks checks that the state and the arrows that are named are marked, and no others.
func TestMarks(t *testing.T) {
	t.Parallel()
	m := &statechart.Machine{Name: "m", States: []statechart.State{{Name: "a"}, {Name: "b"}, {Name: "c", Terminal: true}}}
	m.Add(0, 1, statechart.Way{Input: "Go", Event: "Gone"})
	m.Add(0, 2, statechart.Way{Input: "Stop", Event: "Stopped"})
	m.Add(1, 1, statechart.Way{Input: "Wait", Event: "Waited"})
	drawn, err := Draw(m, "", Marks{Current: "b", Taken: map[[2]string]bool{{"a", "b"}: true, {"b", "b"}: true, {"b", "x"}: true}})
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(drawn), "</style>")
	for class, want := range map[string]int{
		`class="edge taken"`: 2, `class="edge"`: 2, `class="head taken"`: 2, `class="state visited"`: 1, `class="state current"`: 1, `class="state terminal"`: 1,
	} {
		if got := strings.Count(body, class); got != want {
			t.Errorf("%s is there %d times, want %d", class, got, want)
		}
	}
	if !strings.Contains(string(drawn), StyleElement) {
		t.Error("the drawing has no style element to take out")
	}
}
