package store

import (
	"regexp"
	"strings"
)

// Fingerprint returns an error text without the parts that differ between errors of one kind: numbers, ids, times, addresses and quoted
// texts become "*". Errors with one fingerprint have most likely one cause. It has at most 200 bytes, made of the first 16 KiB of the text.
func Fingerprint(text string) string {
	text = text[:min(len(text), maxFingerprinted)]
	text = varying.ReplaceAllString(text, "*")
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxFingerprint {
		text = text[:maxFingerprint]
	}
	return strings.ToValidUTF8(text, "")
}

const (
	maxFingerprint   = 200
	maxFingerprinted = 16 << 10 // an error may have megabytes, and a list of errors is read by people who wait
)

// varying matches quoted texts, and words with a digit, which are numbers, UUIDs, hashes, times, addresses and most ids.
var varying = regexp.MustCompile(`"[^"]*"|'[^']*'|` + "`[^`]*`" + `|[\pL\pN_:./@+\-]*\pN(?:[\pL\pN_:./@+\-]*[\pL\pN])?`)
