// Package pgschema lends migrated schemas to tests, each to one test at a time. To migrate one for each of some hundred tests took more
// of the processor than most of these tests.
package pgschema

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

var shared struct {
	sync.Mutex
	conn *pgx.Conn // to the server of pgserver.URL
	made int
	free []schema
}

type schema struct {
	name string
	made string // what it was made of, see description
}

// Borrow returns the name of a schema whose tables are empty, on the server of pgserver.URL. Nothing else uses it until the test has ended, and with it
// the sessions of its pools, which have to be opened by Use. Then the rows go, and another test may have the schema, unless this one has
// changed more than rows: such a schema is dropped.
//
// Call it before pools are opened, so that it is taken back after they are closed.
func Borrow(t testing.TB) string {
	t.Helper()
	s, err := take(t.Context(), pgserver.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := takeBack(s); err != nil {
			t.Errorf("schema %s is not taken back: %v", s.name, err)
		}
	})
	return s.name
}

// Use makes sessions of a pool known as users of a schema. It is for pools that a test opens beside each other, too.
func Use(config *pgxpool.Config, schema string) {
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		// The lock is the session's, so it lasts until the server has seen the end of the session, and with it of all that was sent.
		_, err := conn.Exec(ctx, "SELECT pg_advisory_lock_shared(hashtextextended($1, 0))", pgx.QueryExecModeSimpleProtocol, schema)
		return err
	}
}

func take(ctx context.Context, url string) (s schema, err error) {
	shared.Lock()
	defer shared.Unlock()
	if n := len(shared.free); n > 0 {
		s, shared.free = shared.free[n-1], shared.free[:n-1]
		return s, nil
	}
	if shared.conn == nil {
		if shared.conn, err = pgx.Connect(ctx, url); err != nil {
			return s, err
		}
	}
	shared.made++
	s.name = fmt.Sprintf("lent_%d_%d_%d", time.Now().Unix(), os.Getpid(), shared.made) // tests of other processes may use the server, too
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return s, err
	}
	defer pool.Close()
	if err := postgres.Migrate(ctx, pool, postgres.WithSchema(s.name)); err != nil {
		return s, err
	}
	s.made, err = describe(ctx, s.name)
	return s, err
}

func takeBack(s schema) error {
	if err := waitForSessions(s.name, time.Minute); err != nil {
		return err
	}
	ctx := context.Background() // that of the test has ended
	shared.Lock()
	defer shared.Unlock()
	described, err := describe(ctx, s.name)
	if err != nil {
		return err
	}
	if described != s.made {
		_, err := shared.conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+s.name+" CASCADE")
		return err
	}
	if _, err := shared.conn.Exec(ctx, fmt.Sprintf(empty, s.name)); err != nil {
		return err
	}
	shared.free = append(shared.free, s)
	return nil
}

// waitForSessions waits until no session has the lock of Use.
func waitForSessions(name string, patience time.Duration) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		var ended bool
		shared.Lock()
		err := shared.conn.QueryRow(context.Background(), `SELECT NOT EXISTS (SELECT FROM pg_locks, hashtextextended($1, 0) AS key
			WHERE locktype = 'advisory' AND objsubid = 1 AND (classid::bigint << 32 | objid::bigint) = key)`, name).Scan(&ended)
		shared.Unlock()
		if err != nil || ended {
			return err
		}
		if time.Now().After(deadline) {
			return errors.New("sessions of the test outlive it")
		}
	}
}

func describe(ctx context.Context, name string) (description string, err error) {
	err = shared.conn.QueryRow(ctx, descriptionQuery, name).Scan(&description)
	return description, err
}

// descriptionQuery sums up all of a schema but its rows.
const descriptionQuery = `
WITH relation AS (SELECT * FROM pg_class WHERE relnamespace = to_regnamespace($1::text))
SELECT md5(coalesce(string_agg(fact, E'\n' ORDER BY fact), ''))
FROM (
	SELECT format('%s %s %s %s %s', relname, relkind, relowner, relacl, reloptions) FROM relation
	UNION ALL SELECT format('%s %s %s %s %s %s', relname, attname, atttypid, attnotnull, atthasdef, attacl)
		FROM relation JOIN pg_attribute ON attrelid = relation.oid
	UNION ALL SELECT format('%s %s', conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = to_regnamespace($1::text)
	UNION ALL SELECT format('%s %s', tgname, tgenabled) FROM relation JOIN pg_trigger ON tgrelid = relation.oid
	UNION ALL SELECT format('%s %s %s %s', proname, proowner, proacl, prosrc) FROM pg_proc WHERE pronamespace = to_regnamespace($1::text)
	UNION ALL SELECT format('%s %s', nspowner, nspacl) FROM pg_namespace WHERE oid = to_regnamespace($1::text)
) AS facts (fact)`

// empty deletes the rows of a schema, which for a few of them is cheaper than TRUNCATE, without its triggers, and lets sequences begin
// again.
const empty = `
SET LOCAL session_replication_role = replica;
DO $$
DECLARE relation record;
BEGIN
	FOR relation IN SELECT oid::regclass AS name, relkind FROM pg_class
		WHERE relnamespace = '%s'::regnamespace AND relkind IN ('r', 'S') AND relname <> 'schema_migrations'
	LOOP
		IF relation.relkind = 'r' THEN
			EXECUTE format('DELETE FROM %%s', relation.name);
		ELSE
			PERFORM setval(relation.name, 1, false);
		END IF;
	END LOOP;
END $$`
