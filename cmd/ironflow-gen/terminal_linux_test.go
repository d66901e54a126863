package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/internal/terminal/terminaltest"
)

// onTerminal runs a command whose standard error is a terminal, and returns what is seen there.
func onTerminal(t *testing.T, args ...string) string {
	t.Helper()
	return terminaltest.Seen(t, func(tty *os.File) {
		if exit := Run(args, strings.NewReader(""), io.Discard, tty); exit != exitFailed {
			t.Errorf("exit %d", exit)
		}
	})
}

// TestSixOnATerminal checks that a terminal gets the source and carets, in colour unless the user or the terminal wants none.
func TestSixOnATerminal(t *testing.T) {
	eachSix(t, func(dir, file, source string) {
		var plain bytes.Buffer
		Run([]string{dir}, strings.NewReader(""), io.Discard, &plain)
		places := plainSix(t, file, source, plain.String())
		for _, test := range []struct {
			name, term, noColor string
			args                []string
			colors              bool
		}{
			{"terminal", "xterm", "", nil, true},
			{"auto", "xterm", "", []string{"-color=auto"}, true},
			{"NO_COLOR", "xterm", "1", nil, false},
			{"dumb", "dumb", "", nil, false},
			{"never", "xterm", "", []string{"-color=never"}, false},
			{"always", "xterm", "1", []string{"-color", "always"}, true},
		} {
			t.Run(filepath.Base(dir)+"/"+test.name, func(t *testing.T) {
				t.Setenv("TERM", test.term)
				t.Setenv("NO_COLOR", test.noColor)
				text := onTerminal(t, append(test.args, dir)...)
				if got := strings.Contains(text, "\x1b["); got != test.colors {
					t.Errorf("colours: %t\n%s", got, text)
				}
				snippetsOfSix(t, places, source, text)
			})
		}
	})
}
