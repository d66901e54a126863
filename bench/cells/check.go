package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/bench/cells/node"
	"github.com/ironflow-gen/ironflow/runtime/cells"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// finding is something that is wrong, as often as it was found.
type finding struct {
	count    int
	examples []string
}

func (f *finding) add(format string, args ...any) {
	if f.count++; len(f.examples) < 5 {
		f.examples = append(f.examples, fmt.Sprintf(format, args...))
	}
}

// findings are what the torment led to.
type findings struct {
	generations                            int // that were retired
	lost, doubled, apart, unread, disorder finding
	sharedKeys                             finding
}

func (f *findings) wrong() []struct {
	name string
	*finding
} {
	return []struct {
		name string
		*finding
	}{
		{"lost: accepted, or asked for, and not stored", &f.lost},
		{"doubled: decided twice", &f.doubled},
		{"ids in two cells", &f.apart},
		{"events that the feed of all cells lacks, or has twice", &f.unread},
		{"events that the feed has in the wrong order", &f.disorder},
		{"unique keys that two nodes had at the same time", &f.sharedKeys},
	}
}

func (f *findings) ok() bool {
	for _, w := range f.wrong() {
		if w.count > 0 {
			return false
		}
	}
	return true
}

// event is an event of the history. Cell and sequence name it.
type event struct {
	place
	id         string
	version    int64
	kind       string
	at         time.Time
	tag        string
	work       string // of Pushed
	key        string // of Opened
	problem    string // of ChildDone
	firing     time.Time
	isArchived bool
}

type place struct {
	cell     string
	sequence int64
}

// history returns all events that are stored, or were archived, in the order of their instances and versions.
func (t *torment) history(ctx context.Context) ([]event, error) {
	all := make(map[place]event)
	read := func(archived bool, query string) error {
		rows, err := t.pool.Query(ctx, query)
		if err != nil {
			return err
		}
		var e event
		_, err = pgx.ForEachRow(rows, []any{&e.cell, &e.sequence, &e.id, &e.version, &e.kind, &e.at, &e.tag, &e.work, &e.key, &e.problem, &e.firing}, func() error {
			e.isArchived = archived
			all[e.place] = e
			return nil
		})
		return err
	}
	const columns = `instance, version, type, recorded_at, coalesce(payload->>'tag', ''), coalesce(payload->>'kind', ''),
		coalesce(payload->>'key', ''), coalesce(payload->>'error', ''), coalesce((payload->>'scheduled_at')::timestamptz, 'epoch')`
	for _, cell := range t.cells() {
		if err := read(false, fmt.Sprintf(`SELECT '%s', global_sequence, %s FROM "%s".events WHERE commit_id > 0`, cell, columns, cell)); err != nil {
			return nil, err
		}
	}
	if err := read(true, `SELECT cell, sequence, `+columns+` FROM torment.archived`); err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Values(all), func(a, b event) int {
		return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.version, b.version), cmp.Compare(a.cell, b.cell), cmp.Compare(a.sequence, b.sequence))
	}), nil
}

// check looks for what is wrong in the history, which is sorted, and in what was read from the feed.
func (t *torment) check(history []event, feed []event) {
	f := &t.found
	count := make(map[string]int) // by type and tag
	for i, e := range history {
		first := i == 0 || history[i-1].id != e.id
		last := i == len(history)-1 || history[i+1].id != e.id
		if !first && history[i-1].cell != e.cell {
			f.apart.add("%s is in %s and %s", e.id, history[i-1].cell, e.cell)
		}
		switch {
		case first && e.version != 1, !first && e.version > history[i-1].version+1:
			f.lost.add("%s in %s has no event before version %d", e.id, e.cell, e.version)
		case !first && e.version == history[i-1].version:
			f.doubled.add("%s in %s has version %d twice", e.id, e.cell, e.version)
		}
		if last != (e.kind == "Finished") {
			f.lost.add("%s in %s: version %d, %s, is the last: %t", e.id, e.cell, e.version, e.kind, last)
		}
		if e.tag == "" {
			continue
		}
		if count[e.kind+" "+e.tag]++; count[e.kind+" "+e.tag] == 2 {
			f.doubled.add("%s %s is there twice; once in %s of %s", e.kind, e.tag, e.id, e.cell)
		}
		if e.problem != "" {
			f.doubled.add("the child of %s with tag %s: %s", e.id, e.tag, e.problem)
		}
	}
	for tag := range t.accepted {
		if count["Opened "+tag]+count["Pushed "+tag] == 0 {
			f.lost.add("the input %s was accepted, and is not stored", tag)
		}
	}
	for _, e := range history {
		if e.kind != "Pushed" {
			continue
		}
		want := map[string]int{"Answer": 0, "Visited": 0, "Accepted": 0, "Refused": 0, "ChildDone": 0, "Opened": 0}
		switch e.work {
		case node.AskWork:
			want["Answer"] = 1
		case node.ChildWork:
			want["Opened"], want["ChildDone"] = 1, 1
		case node.VisitWork:
			want["Visited"] = count["Accepted "+e.tag]
			want["Accepted"], want["Refused"] = 1-count["Refused "+e.tag], 1-count["Accepted "+e.tag]
		}
		for kind, n := range want {
			switch got := count[kind+" "+e.tag]; {
			case got < n:
				f.lost.add("%s of %s asked for %s: there are %d %s, want %d", e.tag, e.id, e.work, got, kind, n)
			case got > n:
				f.doubled.add("%s of %s asked for %s: there are %d %s, want %d", e.tag, e.id, e.work, got, kind, n)
			}
		}
	}
	f.checkClock(history)
	f.checkKeys(history)
	f.checkFeed(history, feed)
}

// checkClock looks for firings that are missing. One that was decided twice is two instances of one id.
func (f *findings) checkClock(history []event) {
	var firings []time.Time
	for _, e := range history {
		if e.kind == "Struck" {
			firings = append(firings, e.firing)
		}
	}
	slices.SortFunc(firings, time.Time.Compare)
	for i := 1; i < len(firings); i++ {
		if d := firings[i].Sub(firings[i-1]); d > time.Second {
			f.lost.add("the schedule did not fire for %v before %v", d, firings[i])
		}
	}
	if len(firings) == 0 {
		f.lost.add("the schedule never fired")
	}
}

// keySlack is how much earlier than its commit an instance may have been decided on.
const keySlack = life * 3 / 4

// checkKeys looks for nodes that had the same key at the same time.
func (f *findings) checkKeys(history []event) {
	type held struct {
		id       string
		from, to time.Time
	}
	holders := make(map[string][]held)
	key, from := "", time.Time{}
	for _, e := range history {
		if e.kind == "Opened" {
			key, from = e.key, e.at
		}
		if e.kind == "Finished" && key != "" {
			holders[key] = append(holders[key], held{e.id, from, e.at})
			key = ""
		}
	}
	for key, of := range holders {
		slices.SortFunc(of, func(a, b held) int { return a.from.Compare(b.from) })
		for i := 1; i < len(of); i++ {
			if of[i].from.Add(keySlack).Before(of[i-1].to) {
				f.sharedKeys.add("%s: %s until %v, %s from %v", key, of[i-1].id, of[i-1].to, of[i].id, of[i].from)
			}
		}
	}
}

// checkFeed compares what was read with the history.
func (f *findings) checkFeed(history []event, feed []event) {
	stored := make(map[place]bool, len(history))
	for _, e := range history {
		stored[e.place] = true
	}
	versions := make(map[string]int64)
	read := make(map[place]bool, len(feed))
	for _, e := range feed {
		if read[e.place] || !stored[e.place] {
			f.unread.add("event %d of %s is in the feed again: %t, and in the history: %t", e.sequence, e.cell, read[e.place], stored[e.place])
		}
		read[e.place] = true
		if e.version != versions[e.id]+1 {
			f.disorder.add("version %d of %s comes after version %d", e.version, e.id, versions[e.id])
		}
		versions[e.id] = e.version
	}
	for _, e := range history {
		if !read[e.place] {
			f.unread.add("event %d of %s, version %d of %s, is not in the feed", e.sequence, e.cell, e.version, e.id)
		}
	}
}

// table is what is printed.
func (t *torment) table(history []event) [][]string {
	kinds, archived := make(map[string]int), 0
	for _, e := range history {
		kinds[e.kind]++
		if e.isArchived {
			archived++
		}
	}
	lines := [][]string{{"what", "count", ""}}
	for _, l := range []struct {
		name  string
		count int
	}{
		{"kills", t.killed}, {"processes", t.started}, {"generations added and retired", t.found.generations}, {"inputs accepted", len(t.accepted)},
		{"events", len(history)}, {"of them deleted by retention", archived}, {"inputs between nodes, accepted", kinds["Visited"]},
		{"inputs between nodes, refused", kinds["Refused"]}, {"children", kinds["ChildDone"]}, {"firings of the schedule", kinds["Struck"]},
		{"seconds", int(time.Since(t.began).Seconds())},
	} {
		lines = append(lines, []string{l.name, fmt.Sprint(l.count), ""})
	}
	for _, w := range t.found.wrong() {
		verdict := "ok"
		if w.count > 0 {
			verdict = "WRONG"
		}
		lines = append(lines, []string{w.name, fmt.Sprint(w.count), verdict})
		for _, example := range w.examples {
			lines = append(lines, []string{"  " + example, "", ""})
		}
	}
	return lines
}

// reader reads the feed of all cells, and is stopped again and again. It goes on from the position that it has reached.
type reader struct {
	t  *torment
	at cells.Position

	mu     sync.Mutex
	events []event
}

func newReader(t *torment) *reader { return &reader{t: t} }

func (r *reader) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := r.readOn(ctx); err != nil {
			return err
		}
	}
	return nil
}

// readOn reads for some time, by the newest list.
func (r *reader) readOn(ctx context.Context) error {
	r.t.mu.Lock()
	generations := r.t.generations
	r.t.mu.Unlock()
	open, err := openCells(ctx, &orders{URL: r.t.server.URL(), Name: "reader", Generations: generations})
	if err != nil {
		if ctx.Err() == nil {
			fmt.Fprintln(r.t.log, "the reader of the feed begins again:", err)
		}
		return nil
	}
	defer open.close()
	some, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	var flushed time.Time
	for e, err := range open.router.Subscribe(some, r.at) {
		if err != nil {
			var setBack *store.FeedSetBack
			if errors.As(err, &setBack) {
				return fmt.Errorf("the feed: %w", err)
			}
			continue // the cell is tried again
		}
		r.at = e.Position
		r.mu.Lock()
		r.events = append(r.events, event{place: place{e.Cell, e.GlobalSequence}, id: e.Instance.ID, version: e.Version})
		r.mu.Unlock()
		if time.Since(flushed) > 100*time.Millisecond {
			if err := r.store(context.WithoutCancel(ctx)); err != nil {
				return err
			}
			flushed = time.Now()
		}
	}
	return r.store(context.WithoutCancel(ctx))
}

// store says what was read, so that retention can delete it.
func (r *reader) store(ctx context.Context) error {
	for cell, position := range r.at {
		if _, err := r.t.pool.Exec(ctx, `INSERT INTO torment.read VALUES ($1, $2) ON CONFLICT (cell) DO UPDATE SET sequence = excluded.sequence`,
			cell, int64(position)); err != nil {
			return err
		}
	}
	return nil
}

// await waits until as many events were read, or no more come.
func (r *reader) await(events int) {
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		r.mu.Lock()
		n := len(r.events)
		r.mu.Unlock()
		if n >= events {
			return
		}
	}
}
