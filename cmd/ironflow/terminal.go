package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ironflow-gen/ironflow/internal/terminal"
)

// colour is the parameter of an SGR sequence.
type colour string

const (
	bold   colour = "1"
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
)

// painted is a cell of a table with a colour.
type painted struct {
	colour
	text string
}

// mood gives a word that says how something is a colour.
func mood(word string) painted {
	switch word {
	case "dead", "died", "stopped":
		return painted{red, word}
	case "blocked", "paused":
		return painted{yellow, word}
	case "runs", "running", "completed":
		return painted{green, word}
	}
	return painted{text: word}
}

// paint returns a text in a colour if there are colours.
func (k *call) paint(p painted) string {
	if p.colour == "" || p.text == "" || !terminal.Is(k.out) || !terminal.Colours() {
		return p.text
	}
	return "\x1b[" + string(p.colour) + "m" + p.text + "\x1b[0m"
}

// progress says on a terminal how far a long command is: how many lines and bytes have passed. Elsewhere it says nothing.
type progress struct {
	to           io.Writer // nil for nobody
	verb         string
	lines, bytes int64
	total        int64 // of bytes; 0 if that is not known
	began, shown time.Time
}

// progressEvery is how often progress is shown.
const progressEvery = 200 * time.Millisecond

// progress returns the progress of what a command writes or reads. total is how many bytes there are; 0 if that is not known.
func (k *call) progress(verb string, total int64) *progress {
	p := &progress{verb: verb, total: total, began: time.Now()}
	if terminal.Is(k.errs) {
		p.to = k.errs
	}
	p.shown = p.began
	return p
}

func (p *progress) passed(part []byte) {
	p.lines, p.bytes = p.lines+int64(bytes.Count(part, []byte{'\n'})), p.bytes+int64(len(part))
	if now := time.Now(); p.to != nil && now.Sub(p.shown) >= progressEvery {
		p.shown = now
		fmt.Fprintf(p.to, "\r\x1b[K%s", p.text(now))
	}
}

// barWidth is the length of a full bar.
const barWidth = 24

func (p *progress) text(now time.Time) string {
	text := fmt.Sprintf("%s %d instances, %s", p.verb, p.lines, sizeOf(p.bytes))
	if seconds := now.Sub(p.began).Seconds(); seconds >= 1 {
		text += fmt.Sprintf(", %.0f a second", float64(p.lines)/seconds)
	}
	if p.total > 0 {
		full := int(min(p.bytes, p.total) * barWidth / p.total)
		text = fmt.Sprintf("[%s%s] %3d%%  %s", bytes.Repeat([]byte{'#'}, full), bytes.Repeat([]byte{'.'}, barWidth-full), min(p.bytes, p.total)*100/p.total, text)
	}
	return text
}

// end takes away what was shown.
func (p *progress) end() {
	if p.to != nil && p.shown != p.began {
		fmt.Fprint(p.to, "\r\x1b[K")
	}
}

// sizeOf is a number of bytes for people.
func sizeOf(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%d KiB", n>>10)
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}

// measuredWriter is a writer whose progress is shown.
type measuredWriter struct {
	io.Writer
	*progress
}

func (w measuredWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.passed(p[:n])
	return n, err
}

// measuredReader is a reader whose progress is shown. If what it reads can seek, it can seek, too, and counts from the new place.
type measuredReader struct {
	io.Reader
	*progress
}

func (r measuredReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.passed(p[:n])
	return n, err
}

func (r measuredReader) Seek(offset int64, whence int) (int64, error) {
	seeker, is := r.Reader.(io.Seeker)
	if !is {
		return 0, errors.ErrUnsupported
	}
	at, err := seeker.Seek(offset, whence)
	if err == nil && whence == io.SeekStart {
		r.lines, r.bytes = 0, at
	}
	return at, err
}
