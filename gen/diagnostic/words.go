package diagnostic

import "strings"

// Listing writes names as a sentence does: "A, B and C". last is the word before the last of them.
func Listing(names []string, last string) string {
	n := len(names)
	if n < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:n-1], ", ") + " " + last + " " + names[n-1]
}

// Shorten cuts a text so that a message stays readable whatever a user wrote.
func Shorten(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
