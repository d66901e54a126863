package main

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

// migrate makes the tables of a new store, says when there is nothing to do, and refuses tables that are too new for it.
func TestMigrate(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		b := &bench{T: t}
		file := filepath.Join(t.TempDir(), "new.db")
		b.want(b.ironflow(exitStore, "migrate", "-store", file), "no such file")
		b.want(b.ironflow(exitStore, "list", "-store", file), "no such file")
		b.want(b.ironflow(exitOK, "migrate", "-write", "-store", file), "migrated "+file+" from version 0 to 1")
		b.want(b.ironflow(exitOK, "migrate", "-write", "-store", file), "nothing to migrate")
		b.want(b.ironflow(exitOK, "migrate", "-store", file), "have version 1, and this command needs 1")
		b.ironflow(exitOK, "list", "-store", file)
		st, err := sqlite.Open(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		change := func(sql string) {
			t.Helper()
			if _, err := st.DB().ExecContext(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
		}
		change("UPDATE ironflow_schema SET version = 7, oldest = 1")
		b.want(b.ironflow(exitOK, "migrate", "-write", "-store", file), "have version 7, and this command needs 1; there is nothing to migrate")
		b.ironflow(exitOK, "list", "-store", file)
		change("UPDATE ironflow_schema SET oldest = 6")
		for _, args := range [][]string{{"migrate"}, {"migrate", "-write"}, {"list"}, {"pause", "-write", "-reason", "x", "order"}} {
			b.want(b.ironflow(exitStore, append(args, "-store", file)...), "schema version 7", "or a later one")
		}
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		onPostgres(t, func(b *bench) {
			b.want(b.ironflow(exitOK, "migrate"), "have version 1, and this command needs 1")
			change := func(sql string) {
				b.Helper()
				if _, err := b.pool.Exec(context.WithoutCancel(b.Context()), sql); err != nil {
					b.Fatal(err)
				}
			}
			fresh := &bench{T: b.T, flags: []string{"-store", b.flags[1], "-schema", b.flags[3] + "_fresh"}}
			b.Cleanup(func() { change(`DROP SCHEMA IF EXISTS "` + b.flags[3] + `_fresh" CASCADE`) })
			fresh.want(fresh.ironflow(exitFound, "migrate"), "has no tables of ironflow; with -write, migrate brings them to version 1")
			fresh.want(fresh.ironflow(exitStore, "list"), "has no tables of ironflow", "ironflow migrate -write")
			fresh.want(fresh.ironflow(exitOK, "migrate", "-write"), "from version 0 to 1")
			fresh.ironflow(exitOK, "list")
			change("UPDATE schema_migrations SET version = 7, oldest = 6")
			for _, args := range [][]string{{"migrate"}, {"migrate", "-write"}, {"list"}, {"pause", "-write", "-reason", "x", "order"}} {
				b.want(b.ironflow(exitStore, args...), "version 7", "upgrade the library")
			}
			change("UPDATE schema_migrations SET version = 1, oldest = 1") // others use the schema again
		})
	})
	b := &bench{T: t}
	b.want(b.ironflow(exitStore, "migrate", "-write", "-store", "mysql://u:SECRET@h/db"), "no such file")
	b.want(b.ironflow(exitUsage, "migrate"), "no store is named")
	for _, err := range []error{&postgres.SchemaVersionError{Schema: "s", Found: 1, Needed: 2}, &sqlite.SchemaVersionError{Found: 1, Needed: 2}} {
		b.want(toMigrate(err).Error(), "version 1, and this command needs 2", "ironflow migrate -write")
	}
}

// A server that refuses the password gets it, and nobody else does.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var got string
	served := make(chan error, 1)
	go func() {
		served <- func() error {
			conn, err := listener.Accept()
			if err != nil {
				return err
			}
			defer conn.Close()
			server := pgproto3.NewBackend(conn, conn)
			if _, err := server.ReceiveStartupMessage(); err != nil {
				return err
			}
			server.Send(&pgproto3.AuthenticationCleartextPassword{})
			if err := server.Flush(); err != nil {
				return err
			}
			if err := server.SetAuthType(pgproto3.AuthTypeCleartextPassword); err != nil {
				return err
			}
			message, err := server.Receive()
			if err != nil {
				return err
			}
			got = message.(*pgproto3.PasswordMessage).Password
			server.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "28P01", Message: `password authentication failed for user "app"`})
			return server.Flush()
		}()
	}()
	b := &bench{T: t}
	text := b.ironflow(exitStore, "health", "-store", "postgres://app:SE%40CRET@"+listener.Addr().String()+"/db?sslmode=disable", "-timeout", "20s")
	if b.want(text, "postgres://app@127.0.0.1", "password authentication failed"); strings.Contains(text, "CRET") {
		t.Errorf("the password is printed: %s", text)
	}
	if err := <-served; err != nil || got != "SE@CRET" {
		t.Errorf("the server got %q, %v", got, err)
	}
}
