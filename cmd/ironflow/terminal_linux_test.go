package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/internal/terminal/terminaltest"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// People see colours on a terminal, unless they or the terminal want none. Programs see none. The columns stand under each other in either.
func TestColours(t *testing.T) {
	b := sqliteBench(t)
	client, stop := b.run(&shop{broken: true}, "web-1/7", frozen{now: time.Now()})
	b.create(client)
	b.eventually("certificate expired", "dead")
	stop()
	onTerminal := func(code int, args ...string) string {
		return terminaltest.Seen(t, func(tty *os.File) {
			if got := Run(t.Context(), append(args, b.flags...), strings.NewReader(""), tty, tty); got != code {
				t.Errorf("ironflow %q: exit code %d", args, got)
			}
		})
	}
	for _, test := range []struct {
		term, noColour string
		args           []string
		colours        bool
	}{
		{"xterm", "", []string{"programs"}, true},
		{"xterm", "1", []string{"programs"}, false},
		{"dumb", "", []string{"programs"}, false},
		{"xterm", "", []string{"programs", "-json"}, false},
	} {
		t.Setenv("TERM", test.term)
		t.Setenv("NO_COLOR", test.noColour)
		text := onTerminal(exitOK, test.args...)
		if got := strings.Contains(text, "\x1b["); got != test.colours || test.colours && !strings.Contains(text, "\x1b[31mstopped\x1b[0m") {
			t.Errorf("%+v: colours %t\n%q", test, got, text)
		}
	}
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	if text := onTerminal(exitFound, "health"); !strings.Contains(text, "\x1b[31m!\x1b[0m 1 dead letters") {
		t.Errorf("got %q", text)
	}
	if text := onTerminal(exitOK, "show", "order/o-17"); !strings.Contains(text, "\x1b[31mdead\x1b[0m") || strings.Contains(text, "expired\x1b") {
		t.Errorf("got %q", text)
	}
	plain := strings.Split(b.ironflow(exitOK, "dead"), "\n")
	if strings.Index(plain[0], "KIND") != strings.Index(plain[1], "ChargeCard") {
		t.Errorf("the columns do not stand under each other:\n%s\n%s", plain[0], plain[1])
	}
}

// On a terminal, an import of a file shows how far it is, and takes that away at its end. An export to a file counts.
func TestProgress(t *testing.T) {
	from, to := sqliteBench(t), sqliteBench(t)
	client, stop := from.run(&shop{}, "web-1/7", store.SystemClock{})
	for n := range 20 {
		out, err := client.Create(t.Context(), order.Create{
			OrderID: fmt.Sprint("o-", n), CartID: fmt.Sprint(n), Email: "a@b.c", Card: "4242", Items: []order.Item{{Sku: "ink", Quantity: 1, PriceCents: 900}},
		})
		if err != nil || !out.Accepted() {
			t.Fatalf("got %+v, %v", out, err)
		}
	}
	stop()
	var lines, errs bytes.Buffer
	if code := Run(t.Context(), append([]string{"export"}, from.flags...), strings.NewReader(""), &lines, &errs); code != exitOK || strings.Contains(errs.String(), "\r") {
		t.Fatalf("export: %d, %q", code, errs.String())
	}
	name := filepath.Join(t.TempDir(), "all.jsonl")
	if err := os.WriteFile(name, lines.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text := terminaltest.Seen(t, func(tty *os.File) {
		if code := Run(t.Context(), append([]string{"import", "-write", "-reason", "test"}, to.flags...), file, &bytes.Buffer{}, tty); code != exitOK {
			t.Errorf("import: %d", code)
		}
	})
	if !strings.Contains(text, "imported 20 instances") {
		t.Errorf("got %q", text)
	}

	// What is shown after some time.
	shown := terminaltest.Seen(t, func(tty *os.File) {
		k := &call{errs: tty}
		p := k.progress("read", 1000)
		p.shown = p.shown.Add(-time.Second)
		p.began = p.began.Add(-2 * time.Second)
		p.passed(bytes.Repeat([]byte("123456789\n"), 50))
		p.end()
	})
	if want := "\r\x1b[K[############............]  50%  read 50 instances, 500 B, 25 a second\r\x1b[K"; shown != want {
		t.Errorf("got  %q\nwant %q", shown, want)
	}
}
