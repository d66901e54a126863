package docs_test

import (
	"os"
	"strings"
	"testing"
)

// TestRelayGuide asks that the Go of the page about brokers is in an example, which its module's tests run.
func TestRelayGuide(t *testing.T) {
	t.Parallel()
	const page = "operate/relay.md"
	doc, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	examples := ""
	for _, name := range []string{"../runtime/relay/", "../runtime/relay/jetstream/", "../runtime/relay/kafka/"} {
		text, err := os.ReadFile(name + "example_test.go")
		if err != nil {
			t.Fatal(err)
		}
		examples += string(text)
	}
	examples = strings.ReplaceAll(examples, "\n\t", "\n")
	n := 0
	for _, block := range fencedGo.FindAllStringSubmatch(string(doc), -1) {
		n++
		if !strings.Contains(examples, block[1]) && !strings.Contains(examples, strings.ReplaceAll(block[1], "\n\t", "\n")) {
			t.Errorf("%s: no example has\n%s", page, block[1])
		}
	}
	if n < 5 {
		t.Errorf("%s has %d blocks of Go", page, n)
	}
}
