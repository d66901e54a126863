package postgres_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// replicated is a server with standbys, none of which a commit waits for.
func replicated(t *testing.T, standbys int) (primary *pgserver.Server, all []*pgserver.Server) {
	t.Helper()
	primary = pgserver.Own(t, pgserver.Options{})
	for range standbys {
		standby, err := primary.Standby(t.Context(), pgserver.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { standby.Stop() })
		all = append(all, standby)
	}
	migrated := poolOf(t, primary.URL())
	if err := postgres.Migrate(t.Context(), migrated); err != nil {
		t.Fatal(err)
	}
	return primary, all
}

func poolOf(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func withReader(t *testing.T, url, reader string) *postgres.Store {
	t.Helper()
	st, err := postgres.New(t.Context(), poolOf(t, url), postgres.WithReader(poolOf(t, reader)))
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func status(t *testing.T, st *postgres.Store) store.ReplicaStatus {
	t.Helper()
	s, err := st.ReplicaStatus(t.Context())
	if err != nil || s == nil {
		t.Fatalf("status %v, error %v", s, err)
	}
	return *s
}

func listed(t *testing.T, st *postgres.Store, behind bool) int {
	t.Helper()
	ctx := t.Context()
	if behind {
		ctx = store.AllowLag(ctx)
	}
	found, err := st.ListInstances(ctx, store.InstanceList{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

// What the reader has not received is not read, and is not passed over: it comes when the reader has it.
func TestReaderBehind(t *testing.T) {
	t.Parallel()
	primary, standbys := replicated(t, 1)
	st := withReader(t, primary.URL(), standbys[0].URL())
	add(t, st, change(order("1"), 0))
	add(t, st, change(order("2"), 0))
	feedOf(t, st, 2)
	eventually(t, "the reader has all", func() bool { return status(t, st) == store.ReplicaStatus{} })

	standbys[0].CutOff()
	add(t, st, change(order("3"), 0))
	time.Sleep(50 * time.Millisecond)
	for range 3 {
		page, err := st.EventsSince(t.Context(), 0, 10)
		if err != nil || len(page.Events) != 2 || page.Settled != 2 {
			t.Errorf("%d events, settled %d, error %v; the reader has 2", len(page.Events), page.Settled, err)
		}
		horizon, err := st.FeedHorizon(t.Context())
		if err != nil || horizon.Settled != 2 || horizon.Newest != 3 {
			t.Errorf("horizon %+v, error %v", horizon, err)
		}
	}
	if n, behind := listed(t, st, false), listed(t, st, true); n != 3 || behind != 2 {
		t.Errorf("%d instances on the primary, %d on the reader", n, behind)
	}
	if s := status(t, st); s.Lag < 50*time.Millisecond || s.Bytes <= 0 || s.Problem != "" {
		t.Errorf("status %+v of a reader that is behind", s)
	}
	standbys[0].Reconnect()
	feedOf(t, st, 3)
	wantVersion(t, st, order("3"), 1)
}

// While others write, the reader never shows a feed that lacks an event below one that it has shown.
func TestReaderUnderLoad(t *testing.T) {
	t.Parallel()
	primary, standbys := replicated(t, 1)
	st := withReader(t, primary.URL(), standbys[0].URL())
	const writers, each = 8, 60
	done := make(chan error, writers)
	for w := range writers {
		go func() {
			id := order(string(rune('a' + w)))
			for version := range int64(each) {
				if err := st.Append(t.Context(), store.Batch{Commit: newID(), Changes: []store.Change{change(id, version)}}); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	versions := make(map[store.InstanceKey]int64)
	position, n := store.FeedPosition(0), 0
	for deadline := time.Now().Add(time.Minute); n < writers*each && time.Now().Before(deadline); {
		page, err := st.EventsSince(t.Context(), position, 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			if e.Version != versions[e.Instance]+1 {
				t.Fatalf("version %d of %s comes after %d", e.Version, e.Instance, versions[e.Instance])
			}
			versions[e.Instance] = e.Version
			n++
		}
		position = page.Next
	}
	for range writers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n != writers*each {
		t.Errorf("%d events, want %d", n, writers*each)
	}
}

// A user who may only read rows sees all that matters of a standby.
func TestReaderWithFewPrivileges(t *testing.T) {
	t.Parallel()
	primary, standbys := replicated(t, 1)
	script, err := postgres.RolesScript(postgres.Roles{})
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{script, "CREATE USER app IN ROLE ironflow_reader"} {
		if _, err := poolOf(t, primary.URL()).Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	app := strings.Replace(standbys[0].URL(), "ironflow@", "app@", 1)
	eventually(t, "the standby has the user", func() bool { return poolOf(t, app).Ping(t.Context()) == nil })
	st := withReader(t, primary.URL(), app)
	add(t, st, change(order("1"), 0))
	feedOf(t, st, 1)
	eventually(t, "the reader has all", func() bool { return status(t, st) == store.ReplicaStatus{} })
	if n := listed(t, st, true); n != 1 {
		t.Errorf("%d instances", n)
	}
}

func TestReaderThatDoesNotFollow(t *testing.T) {
	t.Parallel()
	primary, standbys := replicated(t, 1)
	other := pgserver.Own(t, pgserver.Options{})
	refused := func(reader, says string, options ...postgres.Option) {
		t.Helper()
		_, err := postgres.New(t.Context(), poolOf(t, primary.URL()), append(options, postgres.WithReader(poolOf(t, reader)))...)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got error %v, want one that says %q", err, says)
		}
	}
	refused(other.URL(), "another cluster")
	refused(strings.Replace(standbys[0].URL(), "/postgres?", "/template1?", 1), "another database")
	refused(standbys[0].URL(), "exclude each other", postgres.ReadOnly())

	// The store's own server serves, as a connection string without standbys may lead to it.
	st := withReader(t, primary.URL(), primary.URL())
	add(t, st, change(order("1"), 0))
	feedOf(t, st, 1)

	// A reader that cannot be reached is waited for.
	st = withReader(t, primary.URL(), "postgres://ironflow@127.0.0.1:1/postgres?sslmode=disable")
	if s := status(t, st); !strings.Contains(s.Problem, "connect") {
		t.Errorf("status %+v", s)
	}
	_, err := st.EventsSince(t.Context(), 0, 1)
	wantUnavailable(t, err)
	if horizon, err := st.FeedHorizon(t.Context()); err != nil || horizon.Settled != 0 || horizon.Newest != 1 {
		t.Errorf("horizon %+v, error %v", horizon, err)
	}

	// A standby that is promoted later has a history of its own.
	st = withReader(t, primary.URL(), standbys[0].URL())
	feedOf(t, st, 1)
	if err := standbys[0].Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = st.EventsSince(t.Context(), 0, 1)
	wantUnavailable(t, err)
	if s := status(t, st); !strings.Contains(s.Problem, "promoted") {
		t.Errorf("status %+v", s)
	}
	wantVersion(t, st, order("1"), 1)
	refused(standbys[0].URL(), "promoted")
}

// After a failover, a standby that had received more than the promoted one has events that the store has lost. They are not read.
func TestReaderAfterFailover(t *testing.T) {
	t.Parallel()
	primary, standbys := replicated(t, 2)
	next, reading := standbys[0], standbys[1]
	st := withReader(t, pgserver.AnyURL("read-write", primary, next), reading.URL())
	add(t, st, change(order("1"), 0))
	feedOf(t, st, 1)
	eventually(t, "all is replicated", func() bool {
		var n int
		err := poolOf(t, next.URL()).QueryRow(t.Context(), "SELECT count(*) FROM ironflow.events").Scan(&n)
		return err == nil && n == 1
	})
	next.CutOff()
	add(t, st, change(order("lost"), 0))
	feedOf(t, st, 2) // as long as the primary lives, it counts
	if err := errors.Join(primary.Crash(t.Context()), next.Promote(t.Context())); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the store goes on", func() bool {
		return st.Append(t.Context(), store.Batch{Commit: newID(), Changes: []store.Change{change(order("2"), 0)}}) == nil
	})
	for range 20 {
		page, err := st.EventsSince(t.Context(), 0, 10)
		if err == nil {
			t.Errorf("a reader that does not follow returned %d events", len(page.Events))
		}
		time.Sleep(5 * time.Millisecond)
	}
	if s := status(t, st); !strings.Contains(s.Problem, "timeline 2") {
		t.Errorf("status %+v", s)
	}

	// A standby that follows is read again.
	third, err := next.Standby(t.Context(), pgserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { third.Stop() })
	st = withReader(t, pgserver.AnyURL("read-write", primary, next), third.URL())
	events := feedOf(t, st, 2)
	if got := idsOf(events); got != "1 2" {
		t.Errorf("the feed is %q", got)
	}
}

// A standby that has received no more than the promoted one follows it.
func TestReaderFollowsAFailover(t *testing.T) {
	t.Parallel()
	primary, standbys := replicated(t, 2)
	next, reading := standbys[0], standbys[1]
	st := withReader(t, pgserver.AnyURL("read-write", primary, next), reading.URL())
	add(t, st, change(order("1"), 0))
	feedOf(t, st, 1)
	reading.CutOff()
	eventually(t, "all is replicated", func() bool {
		var n int
		err := poolOf(t, next.URL()).QueryRow(t.Context(), "SELECT count(*) FROM ironflow.events").Scan(&n)
		return err == nil && n == 1
	})
	if err := errors.Join(primary.Crash(t.Context()), next.Promote(t.Context())); err != nil {
		t.Fatal(err)
	}
	reading.Follow(next)
	eventually(t, "the store goes on", func() bool {
		return st.Append(t.Context(), store.Batch{Commit: newID(), Changes: []store.Change{change(order("2"), 0)}}) == nil
	})
	eventually(t, "the reader follows", func() bool {
		page, err := st.EventsSince(t.Context(), 0, 10)
		return err == nil && idsOf(page.Events) == "1 2"
	})
	if s := status(t, st); s.Problem != "" {
		t.Errorf("status %+v", s)
	}
}
