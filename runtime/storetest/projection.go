package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	goruntime "runtime"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// What a projection writes and its position are stored together, by one of those who try.
var projectionRules = []rule{
	{name: "a projection that is not there begins as a running one at the beginning", check: projectionBegins},
	{name: "the state of a projection comes back as it was stored", check: projectionState},
	{name: "projections are listed by name, all or those wanted", check: projectionList},
	{name: "an update that fails changes nothing", check: projectionUpdateFails},
	{name: "updates of one projection are serial", check: projectionSerial},
	{name: "what is applied and the position are stored together", check: projectTogether},
	{name: "of a step that fails nothing is stored, and its error comes back", check: projectFails},
	{name: "a step that panics or ends its goroutine leaves nothing behind", check: projectPanics},
	{name: "nobody sees a step before it is stored", check: projectHidden},
	{name: "of those that make the same step one succeeds", check: projectRace},
	{name: "a step with an ended context fails and changes nothing", check: projectEnded},
}

func (k *kit) update(name string, update func(*store.ProjectionState)) {
	k.Helper()
	err := k.progress.UpdateProjection(k.ctx, name, func(s *store.ProjectionState) error {
		update(s)
		s.UpdatedAt = epoch
		return nil
	})
	if err != nil {
		k.Fatalf("UpdateProjection(%q): %v", name, err)
	}
}

func (k *kit) projections(names ...string) []store.ProjectionState {
	k.Helper()
	states, err := k.progress.Projections(k.ctx, names...)
	if err != nil {
		k.Fatalf("Projections(%q): %v", names, err)
	}
	return states
}

// mine makes a table of the projection's own and returns its name. Without SQL, Rows knows the table.
func (k *kit) mine() string {
	k.Helper()
	table := k.Prefix + "mine"
	if k.DB != nil {
		k.exec("CREATE TABLE %s (a bigint)", table)
	}
	return table
}

func projectionBegins(k *kit) {
	if states := k.projections(); len(states) != 0 {
		k.Errorf("got %+v", states)
	}
	k.update("board", func(s *store.ProjectionState) {
		want := store.ProjectionState{Name: "board", Status: store.ProjectionRunning, UpdatedAt: s.UpdatedAt}
		if !reflect.DeepEqual(*s, want) {
			k.Errorf("got %+v, want %+v", *s, want)
		}
	})
}

func projectionState(k *kit) {
	full := store.ProjectionState{
		Name: "böard 'x'", Status: store.ProjectionStopped, Position: 1 << 40, EventAt: at(1), Skipped: 3, Rebuild: true,
		Attempts: 4, LastError: "nö", StoppedAt: 1<<40 + 1, Owner: "host/1/a", Token: 7, LeaseUntil: at(2), UpdatedAt: epoch,
	}
	none := store.ProjectionState{Name: full.Name, Status: store.ProjectionRunning, UpdatedAt: epoch}
	for _, want := range []store.ProjectionState{full, none, full} {
		k.update(full.Name, func(s *store.ProjectionState) { *s = want })
		if got := k.projections(full.Name); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			k.Errorf("got %+v, want %+v", got, want)
		}
		k.update(full.Name, func(s *store.ProjectionState) {
			if !reflect.DeepEqual(*s, want) {
				k.Errorf("an update got %+v, want %+v", *s, want)
			}
		})
	}
	k.update("board", func(s *store.ProjectionState) { s.LastError = "a\x00b\xff" })
	if got := k.projections("board")[0].LastError; got != "a\uFFFDb\uFFFD" {
		k.Errorf("got the error %q", got)
	}
}

func projectionList(k *kit) {
	for _, name := range []string{"b", "a", "C"} {
		k.update(name, func(*store.ProjectionState) {})
	}
	for _, test := range []struct {
		wanted []string
		want   string
	}{
		{nil, "C a b"}, {[]string{"b", "a", "b", "none"}, "a b"}, {[]string{"none"}, ""},
	} {
		var got []string
		for _, s := range k.projections(test.wanted...) {
			got = append(got, s.Name)
		}
		if strings.Join(got, " ") != test.want {
			k.Errorf("%q: got %q, want %q", test.wanted, got, test.want)
		}
	}
}

var errUpdate = errors.New("no update")

func projectionUpdateFails(k *kit) {
	fail := func(s *store.ProjectionState) error {
		s.Position = 7
		return errUpdate
	}
	if err := k.progress.UpdateProjection(k.ctx, "board", fail); !errors.Is(err, errUpdate) {
		k.Errorf("got error %v", err)
	}
	k.update("board", func(s *store.ProjectionState) { s.Position = 3 })
	before := k.dump()
	if err := k.progress.UpdateProjection(k.ctx, "board", fail); !errors.Is(err, errUpdate) {
		k.Errorf("got error %v", err)
	}
	k.unchanged(before)
}

func projectionSerial(k *kit) {
	const callers, times = 16, 5
	k.together(callers, func(int) error {
		for range times {
			if err := k.progress.UpdateProjection(k.ctx, "board", func(s *store.ProjectionState) error {
				s.Skipped++
				s.UpdatedAt = epoch
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if got := k.projections("board")[0].Skipped; got != callers*times {
		k.Errorf("got %d updates, want %d", got, callers*times)
	}
}

// moveTo makes a step of the position, if it is at from.
func moveTo(from, to store.FeedPosition) store.ProjectionUpdate {
	return func(s *store.ProjectionState) error {
		if s.Position != from {
			return errUpdate
		}
		s.Position, s.UpdatedAt = to, epoch
		return nil
	}
}

// inserting writes rows into a table.
func inserting(table string, rows ...int) func(insert func(string, int) error) error {
	return func(insert func(string, int) error) error {
		for _, row := range rows {
			if err := insert(table, row); err != nil {
				return err
			}
		}
		return nil
	}
}

func projectTogether(k *kit) {
	mine := k.mine()
	k.update("board", func(s *store.ProjectionState) {})
	for i := range 3 {
		step := moveTo(store.FeedPosition(i), store.FeedPosition(i+1))
		if err := k.Project(k.ctx, "board", inserting(mine, i, 10+i), step); err != nil {
			k.Fatal(err)
		}
	}
	k.wantTable("mine", "a", "0", "1", "2", "10", "11", "12")
	if got := k.projections("board")[0].Position; got != 3 {
		k.Errorf("got position %d", got)
	}
}

func projectFails(k *kit) {
	mine := k.mine()
	k.update("board", func(s *store.ProjectionState) { s.Position = 5 })
	before := k.dump()
	errApply := errors.New("no step")
	for what, step := range map[string]struct {
		apply  func(insert func(string, int) error) error
		update store.ProjectionUpdate
		want   error
	}{
		"apply": {func(insert func(string, int) error) error {
			return errors.Join(inserting(mine, 1)(insert), errApply)
		}, moveTo(5, 6), errApply},
		"update": {inserting(mine, 2), moveTo(4, 6), errUpdate},
		"a row whose error is ignored": {func(insert func(string, int) error) error {
			if err := inserting(mine, 3)(insert); err != nil {
				return err
			}
			if insert("nowhere", 1) == nil {
				k.Error("a row was inserted into a table that does not exist")
			}
			return errApply
		}, moveTo(5, 6), errApply},
	} {
		if err := k.Project(k.ctx, "board", step.apply, step.update); !errors.Is(err, step.want) {
			k.Errorf("%s: got error %v", what, err)
		}
	}
	k.unchanged(before)
	k.wantTable("mine", "a")
	if err := k.Project(k.ctx, "board", inserting(mine, 4), moveTo(5, 6)); err != nil {
		k.Error(err)
	}
	k.wantTable("mine", "a", "4")
}

func projectPanics(k *kit) {
	mine := k.mine()
	k.update("board", func(s *store.ProjectionState) {})
	for what, end := range map[string]func(){"panic": func() { panic("no step") }, "Goexit": goruntime.Goexit} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer func() { recover() }()
			err := k.Project(k.ctx, "board", func(insert func(string, int) error) error {
				defer end()
				return inserting(mine, 1)(insert)
			}, moveTo(0, 1))
			k.Errorf("%s: Project returns %v", what, err)
		}()
		k.soon("a step that ends with a "+what, func() { <-done })
	}
	k.soon("a step after those", func() {
		if err := k.Project(k.ctx, "board", inserting(mine, 2), moveTo(0, 1)); err != nil {
			k.Error(err)
		}
	})
	k.wantTable("mine", "a", "2")
}

func projectHidden(k *kit) {
	mine := k.mine()
	k.update("board", func(s *store.ProjectionState) {})
	seen := make(chan string, 1)
	err := k.Project(k.ctx, "board", func(insert func(string, int) error) error {
		if err := inserting(mine, 1)(insert); err != nil {
			return err
		}
		go func() {
			before, err := k.tryRows("projections", "position")
			rows, err2 := k.tryRows("mine", "a")
			after, err3 := k.tryRows("projections", "position")
			seen <- fmt.Sprint(before, rows, after, errors.Join(err, err2, err3))
		}()
		time.Sleep(50 * time.Millisecond)
		return inserting(mine, 2)(insert)
	}, moveTo(0, 1))
	if err != nil {
		k.Fatal(err)
	}
	switch got := <-seen; got {
	case "[0] [] [0] <nil>", "[0] [] [1] <nil>", "[0] [1 2] [1] <nil>", "[1] [1 2] [1] <nil>":
	default:
		k.Errorf("somebody saw %s in the middle of a step", got)
	}
}

func projectRace(k *kit) {
	mine := k.mine()
	k.update("board", func(s *store.ProjectionState) {})
	const racers, steps = 8, 5
	for i := range steps {
		results := make([]error, racers)
		k.together(racers, func(n int) error {
			results[n] = k.Project(k.ctx, "board", inserting(mine, i), moveTo(store.FeedPosition(i), store.FeedPosition(i+1)))
			return nil
		})
		won := 0
		for _, err := range results {
			if err == nil {
				won++
			} else if !errors.Is(err, errUpdate) {
				k.Errorf("got error %v", err)
			}
		}
		if won != 1 {
			k.Errorf("step %d was made %d times", i, won)
		}
	}
	k.wantTable("mine", "a", "0", "1", "2", "3", "4")
}

func projectEnded(k *kit) {
	mine := k.mine()
	k.update("board", func(s *store.ProjectionState) {})
	before := k.dump()
	if err := k.Project(ended(), "board", inserting(mine, 1), moveTo(0, 1)); !isCanceled(err) {
		k.Errorf("Project: got error %v", err)
	}
	ctx, cancel := context.WithCancel(k.ctx)
	defer cancel()
	if err := k.Project(ctx, "board", func(insert func(string, int) error) error {
		defer cancel()
		return inserting(mine, 1)(insert)
	}, moveTo(0, 1)); err == nil {
		k.Error("Project whose context ends in the middle: no error")
	}
	if err := k.progress.UpdateProjection(ended(), "board", moveTo(0, 1)); !isCanceled(err) {
		k.Errorf("UpdateProjection: got error %v", err)
	}
	if _, err := k.progress.Projections(ended()); !isCanceled(err) {
		k.Errorf("Projections: got error %v", err)
	}
	k.unchanged(before)
	k.wantTable("mine", "a")
}

// Projecting returns the Project of a Fixture for a store, and insert to add a row to a table in its transactions.
func Projecting[Tx any](
	st store.ProjectionStore[Tx], insert func(ctx context.Context, tx Tx, table string, row int) error,
) func(context.Context, string, func(func(string, int) error) error, store.ProjectionUpdate) error {
	return func(ctx context.Context, name string, apply func(func(string, int) error) error, update store.ProjectionUpdate) error {
		return st.Project(ctx, name, func(ctx context.Context, tx Tx) error {
			return apply(func(table string, row int) error { return insert(ctx, tx, table, row) })
		}, update)
	}
}
