// Package terminaltest has pseudoterminals for tests.
package terminaltest

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"syscall"
	"testing"
	"unsafe"
)

// Seen returns what is seen on a terminal that a function writes to. Where there are no pseudoterminals, the test is skipped.
func Seen(t *testing.T, write func(tty *os.File)) string {
	t.Helper()
	screen, tty := open(t)
	seen := make(chan string)
	go func() {
		var all bytes.Buffer
		_, _ = io.Copy(&all, screen) // ends with an error when the other end is closed
		seen <- all.String()
	}()
	write(tty)
	_ = tty.Close()
	return <-seen
}

// open returns the two ends of a new pseudoterminal: what is printed to the second can be read from the first.
func open(t *testing.T) (screen, tty *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudoterminals here: ", err)
	}
	t.Cleanup(func() { _ = screen.Close() })
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
