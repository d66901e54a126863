package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// terminal returns the two ends of a new pseudoterminal: what is printed to the second can be read from the first.
func terminal(t *testing.T) (screen, tty *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudoterminals here: ", err)
	}
	t.Cleanup(func() { screen.Close() })
	connection, err := screen.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var number, unlock uint32
	var failed [2]syscall.Errno
	err = connection.Control(func(fd uintptr) {
		_, _, failed[0] = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCGPTN, uintptr(unsafe.Pointer(&number)))
		_, _, failed[1] = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCSPTLCK, uintptr(unsafe.Pointer(&unlock)))
	})
	if err != nil || failed != [2]syscall.Errno{} {
		t.Fatal(err, failed)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudoterminals here: ", err)
	}
	return screen, tty
}

// onTerminal runs a command whose standard error is a terminal, and returns what is seen there.
func onTerminal(t *testing.T, args ...string) string {
	t.Helper()
	screen, tty := terminal(t)
	seen := make(chan string)
	go func() {
		var all bytes.Buffer
		_, _ = io.Copy(&all, screen) // ends with an error when the other end is closed
		seen <- all.String()
	}()
	if exit := Run(args, strings.NewReader(""), io.Discard, tty); exit != exitFailed {
		t.Errorf("exit %d", exit)
	}
	tty.Close()
	return <-seen
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
