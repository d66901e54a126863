// Package plain writes durations and stored texts for people who operate a store, on the command line and in the console.
package plain

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Short is a duration in its two largest units.
func Short(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
}

// WriteRune writes a character, or its escape if it is not seen or moves others: it would break a line, move the cursor of a terminal, or turn
// the text around it.
func WriteRune(b *strings.Builder, r rune) {
	if unicode.IsPrint(r) {
		b.WriteRune(r)
		return
	}
	q := fmt.Sprintf("%+q", string(r))
	b.WriteString(q[1 : len(q)-1])
}
