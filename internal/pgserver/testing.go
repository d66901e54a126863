package pgserver

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

var shared struct {
	sync.Mutex
	server *Server
	err    error
}

// Main runs the tests of a package and then stops the server they share, if one of them asked for it. It returns the exit
// code:
//
//	func TestMain(m *testing.M) { os.Exit(pgserver.Main(m)) }
func Main(m interface{ Run() int }) int {
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		if err := shared.server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
		shared.server = nil
	}
	return code
}

// URL returns the connection string of the server that the tests of this package share. The first call starts it. Without
// a server the test fails. It is skipped under -short alone, which leaves out all that needs a server.
func URL(t testing.TB) string {
	t.Helper()
	skipIfShort(t)
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil && shared.err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		shared.server, shared.err = Start(ctx, Options{})
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server.URL()
}

// Own starts a server for one test, which may change its settings or crash it, and stops it at the end of the test. Under -short
// the test is skipped.
func Own(t testing.TB, options Options) *Server {
	t.Helper()
	skipIfShort(t)
	server, err := startOwn(t.Context(), options, noPrimary)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func skipIfShort(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs PostgreSQL, which -short does without")
	}
}

// Database makes an empty database on the server of URL, for one test, and returns its connection string. It goes at the end of the
// test.
func Database(t testing.TB) string {
	t.Helper()
	database, err := url.Parse(URL(t))
	if err != nil {
		t.Fatal(err)
	}
	server, name := database.String(), fmt.Sprintf("%s %d", t.Name(), os.Getpid()) // other packages may use the server, too
	exec := func(sql string) error {
		ctx := context.Background() // also when the test has ended
		conn, err := pgx.Connect(ctx, server)
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		_, err = conn.Exec(ctx, sql)
		return err
	}
	quoted := pgx.Identifier{name}.Sanitize()
	if err := exec("CREATE DATABASE " + quoted); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := exec("DROP DATABASE " + quoted + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	database.Path = "/" + name
	return database.String()
}
