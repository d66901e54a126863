// Package watch does something again whenever files change.
//
// It looks at the files from time to time instead of asking the operating system for events: that works on every file
// system, network mounts and containers among them, sees files that an editor replaces, and needs no limit raised.
package watch

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"maps"
	"os"
	"time"
)

// Watcher says what to watch. Files and Run are needed.
type Watcher struct {
	// Files returns the files that count now. It is called for every look, so files that are added are noticed. An error is a
	// state like any other: Run is called when it comes, goes or becomes another one.
	Files func() ([]string, error)

	// Run is called at the beginning, and after changes once the files have stayed as they are for a look. It is not called
	// while it runs; what changes meanwhile is noticed afterwards.
	Run func()

	Interval time.Duration // between two looks; 300ms if zero
}

// maxLoad is the part of the time that looking may take: with a large tree the looks become rarer.
const maxLoad = 20

// Watch watches until the context ends, and returns then.
func (w Watcher) Watch(ctx context.Context) {
	interval := w.Interval
	if interval <= 0 {
		interval = 300 * time.Millisecond
	}
	seen := w.look(nil)
	w.Run()
	pending := false
	timer := time.NewTimer(interval)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		start := time.Now()
		now := w.look(seen)
		switch same := now.same(seen); {
		case !same:
			pending = true // an editor may not be done yet
		case pending:
			pending = false
			w.Run()
		}
		seen = now
		timer.Reset(max(interval, maxLoad*time.Since(start)))
	}
}

// state is what a look has seen.
type state struct {
	files map[string]file
	err   string
}

// file is what is known of a file.
type file struct {
	size    int64
	changed time.Time
	content [sha256.Size]byte
	missing bool
}

// look returns the state of the files. The content is read only where it may differ from that of the look before.
func (w Watcher) look(before *state) *state {
	s := &state{files: make(map[string]file)}
	names, err := w.Files()
	if err != nil {
		s.err = err.Error()
	}
	for _, name := range names {
		var old file
		if before != nil {
			old = before.files[name]
		}
		s.files[name] = lookAt(name, old)
	}
	return s
}

// recent is how old a change must be so that another one would have another time: file systems have coarse clocks.
const recent = 3 * time.Second

func lookAt(name string, old file) file {
	info, err := os.Stat(name)
	if err != nil {
		return file{missing: true}
	}
	f := file{size: info.Size(), changed: info.ModTime(), content: old.content}
	if f == old && time.Since(f.changed) > recent {
		return f
	}
	content, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return file{missing: true}
	}
	f.content = sha256.Sum256(content)
	return f
}

// same reports whether nothing has changed but times.
func (s *state) same(other *state) bool {
	return s.err == other.err && maps.EqualFunc(s.files, other.files, func(a, b file) bool {
		return a.content == b.content && a.missing == b.missing
	})
}
