package store_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

func TestFingerprint(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "",
		"connection refused": "connection refused",
		"dial tcp 10.0.0.7:443: connect: connection refused":                         "dial tcp *: connect: connection refused",
		"order o-17 was not found":                                                   "order * was not found",
		"order 0f8fad5b-d9cb-469f-a165-70867728950e:  gone\n":                        "order *: gone",
		`card "4242 4242" declined at 2026-01-02T03:04:05Z`:                          "card * declined at *",
		"status 503: try again in 30s":                                               "status *: try again in *",
		"user 'ann' has no account":                                                  "user * has no account",
		"request 9 of 10 timed out":                                                  "request * of * timed out",
		"https://bank.example/v1/charges/ch_9a8b returned 500 Internal Server Error": "* returned * Internal Server Error",
	} {
		if got := store.Fingerprint(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := store.Fingerprint(strings.Repeat("é ", 500)); len(got) > 200 || !utf8.ValidString(got) {
		t.Errorf("got %d bytes", len(got))
	}
}
