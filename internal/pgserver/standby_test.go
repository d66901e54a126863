package pgserver

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func TestFailover(t *testing.T) {
	for name, synchronous := range map[string]string{"asynchronous": "", "synchronous": "*"} {
		t.Run(name, func(t *testing.T) {
			primary := Own(t, Options{Settings: map[string]string{
				"synchronous_commit": "on", "synchronous_standby_names": synchronous,
			}})
			standby, err := primary.Standby(t.Context(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer standby.Stop()

			either := AnyURL("read-write", standby, primary)
			count := func(url string, ids ...int) (n int) {
				t.Helper()
				run(t, url, func(ctx context.Context, conn *pgx.Conn) error {
					return conn.QueryRow(ctx, "SELECT count(*) FROM kept WHERE id = ANY($1)", ids).Scan(&n)
				})
				return n
			}
			must(t, either, "CREATE TABLE kept (id integer)")
			must(t, either, "INSERT INTO kept VALUES (1)")
			for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
				// The table may not have come yet.
				if err := try(t.Context(), standby.URL(), "SELECT 1/count(*) FROM kept"); err == nil {
					break
				} else if time.Now().After(deadline) {
					t.Fatal("the standby received nothing:", err)
				}
			}
			var code *pgconn.PgError
			if err := try(t.Context(), standby.URL(), "INSERT INTO kept VALUES (2)"); !errors.As(err, &code) || code.Code != "25006" {
				t.Errorf("a write to the standby: %v", err)
			}

			standby.CutOff()
			if synchronous == "" {
				must(t, either, "INSERT INTO kept VALUES (3)")
			} else {
				ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
				defer cancel()
				if err := try(ctx, either, "INSERT INTO kept VALUES (3)"); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("a commit without the standby: %v", err)
				}
			}
			if err := primary.Crash(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := standby.Promote(t.Context()); err != nil {
				t.Fatal(err)
			}
			must(t, either, "INSERT INTO kept VALUES (4)")
			if got := count(either, 1, 4); got != 2 {
				t.Errorf("%d of 2 rows after the failover", got)
			}
			if got := count(either, 3); got != 0 {
				t.Error("the standby has what was written after it was cut off")
			}

			// The old primary comes back with what only it has.
			if err := primary.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := count(primary.URL(), 1, 3); got != 2 {
				t.Errorf("the old primary has %d of 2 rows", got)
			}
		})
	}
}

func TestReconnectedStandbyCatchesUp(t *testing.T) {
	primary := Own(t, Options{})
	standby, err := primary.Standby(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer standby.Stop()
	standby.CutOff()
	must(t, primary.URL(), "CREATE TABLE late ()")
	standby.Reconnect()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if err := try(t.Context(), standby.URL(), "TABLE late"); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatal("the standby did not catch up:", err)
		}
	}
}

func TestStandbyOfAServerOfSomebodyElse(t *testing.T) {
	t.Setenv(OverrideVariable, "postgres://elsewhere/db")
	server, err := Start(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Standby(t.Context(), Options{}); !errors.Is(err, errNotOwn) {
		t.Errorf("Standby: %v", err)
	}
	if err := server.Crash(t.Context()); !errors.Is(err, errNotOwn) {
		t.Errorf("Crash: %v", err)
	}
}

func run(t *testing.T, url string, f func(context.Context, *pgx.Conn) error) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := f(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, url, sql string) {
	t.Helper()
	if err := try(t.Context(), url, sql); err != nil {
		t.Fatal(err)
	}
}

func try(ctx context.Context, url, sql string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(ctx, sql)
	return err
}
