// Package terminal says whether commands write for people, and whether in colours.
package terminal

import (
	"os"
	"runtime"

	"golang.org/x/term"
)

// Is reports whether a stream is a terminal.
func Is(stream any) bool {
	file, is := stream.(*os.File)
	return is && term.IsTerminal(int(file.Fd()))
}

// Width returns the number of columns of a stream that is a terminal; 0 if it does not say.
func Width(stream any) int {
	if !Is(stream) {
		return 0
	}
	columns, _, _ := term.GetSize(int(stream.(*os.File).Fd()))
	return columns
}

// Colours reports whether the terminal shows colours, and the user has not switched them off, see https://no-color.org.
func Colours() bool {
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	// The old console of Windows does not show colours.
	return runtime.GOOS != "windows" || os.Getenv("WT_SESSION") != "" || os.Getenv("TERM") != ""
}
