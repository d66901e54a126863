package main

import (
	"os"
	"slices"
	"testing"
)

const page = `# Performance

| case | before | after | required | stretch | met | what limits it |
|---|---|---|---|---|---|---|
| decisions | 36 µs | | ≤ 28 µs | ≤ 20 µs | | the server |
| starts | 1,600/s | | ≥ 12,000/s | ≥ 20,000/s | | |
| effects | 1.9x | 2.0x | ≥ 3x | ≥ 4x | **missed** | |
| loops | 9x | | ≥ 13x | ≥ 18x | | |

| a | b |
|---|---|
`

// What was found goes into two columns. What was not found, and the rest of the page, stay.
func TestFill(t *testing.T) {
	number := func(n float64) *float64 { return &n }
	filled, _, ok := fill(page, map[string]measured{
		"decisions": {Ours: number(24.04), Ratio: number(0.1)},
		"starts":    {Ours: number(21000)},
		"loops":     {Ours: number(20_000), Ratio: number(12)},
	})
	const want = `# Performance

| case | before | after | required | stretch | met | what limits it |
|---|---|---|---|---|---|---|
| decisions | 36 µs | 24.0 µs | ≤ 28 µs | ≤ 20 µs | yes | the server |
| starts | 1,600/s | 21,000/s | ≥ 12,000/s | ≥ 20,000/s | stretch |  |
| effects | 1.9x | 2.0x | ≥ 3x | ≥ 4x | **missed** | |
| loops | 9x | 12.0x | ≥ 13x | ≥ 18x | **missed** |  |

| a | b |
|---|---|
`
	if filled != want || ok {
		t.Errorf("got, %v,\n%s", ok, filled)
	}
	if names := cases(page); !slices.Equal(names, []string{"decisions", "starts", "effects", "loops"}) {
		t.Errorf("the cases are %q", names)
	}
}

// The page itself has a table that is found.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../" + document)
	if err != nil {
		t.Fatal(err)
	}
	if names := cases(string(text)); len(names) < 15 {
		t.Errorf("the table has the cases %q", names)
	}
}
