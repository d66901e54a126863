package usererr

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxText is how many bytes of an error's text are logged and stored, without the note that some were left out.
const MaxText = 8 << 10

// Bound returns a text that every store takes: valid UTF-8 without NUL, of at most MaxText bytes and a note that says how many more
// there were. U+FFFD stands for what cannot be stored.
func Bound(text string) string {
	if len(text) <= MaxText && utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 {
		return text
	}
	if head, cut := strings.CutSuffix(text, cutNote); cut && len(head) <= MaxText+len(cutNote)+20 && bounded(head) {
		return text // by an earlier call
	}
	var b strings.Builder
	for at, r := range text { // which gives U+FFFD for what is not UTF-8
		if r == 0 {
			r = utf8.RuneError
		}
		if b.Len()+utf8.RuneLen(r) > MaxText {
			fmt.Fprintf(&b, "... (%d more %s", len(text)-at, cutNote)
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

const cutNote = "bytes were cut)"

func bounded(head string) bool {
	return utf8.ValidString(head) && strings.IndexByte(head, 0) < 0
}
