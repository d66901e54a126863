package diagnostic

import (
	"strings"
	"testing"
)

func TestShorten(t *testing.T) {
	long := strings.Repeat("x", 59)
	for text, want := range map[string]string{
		"":             "",
		long + "y":     long + "y",
		long + "yz":    long + "y...",
		long + "é":     long + "...", // the letter has two bytes, of which one would be left
		"é" + long[1:]: "é" + long[1:],
	} {
		if got := Shorten(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
