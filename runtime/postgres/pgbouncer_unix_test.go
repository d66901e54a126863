//go:build unix

package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/storetest"
)

// startPgBouncer starts a PgBouncer in transaction mode before the tests' server and returns its connection string. It skips
// the test where PgBouncer is not installed.
func startPgBouncer(t *testing.T) string {
	t.Helper()
	binary, err := exec.LookPath("pgbouncer")
	if err != nil {
		binary = "/usr/sbin/pgbouncer" // Debian's place, which is not in everybody's PATH
		if _, err := os.Stat(binary); err != nil {
			t.Skip("PgBouncer is not installed: apt-get install pgbouncer")
		}
	}
	server, err := pgx.ParseConfig(pgserver.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/tmp", "ironflow-pgbouncer-") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	login := "user=" + server.User
	if server.Password != "" {
		login += fmt.Sprintf(" password='%s'", server.Password)
	}
	// The tests together have more connections to PgBouncer than it has to the server, so that these change hands.
	config := fmt.Sprintf(`[databases]
* = host=%s port=%d %s
[pgbouncer]
pool_mode = transaction
default_pool_size = 60
max_client_conn = 2000
unix_socket_dir = %s
listen_port = 6432
listen_addr =
auth_type = any
ignore_startup_parameters = extra_float_digits
`, server.Host, server.Port, login, dir)
	file := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	command := exec.Command(binary, file)
	command.Stdout, command.Stderr = &output, &output
	command.SysProcAttr = asServer(t, dir)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Told to terminate, it goes at once.
		err := errors.Join(command.Process.Signal(syscall.SIGTERM), command.Wait())
		if t.Failed() {
			t.Logf("pgbouncer: %v\n%s", err, output.String())
		}
	})
	url := fmt.Sprintf("postgres://ironflow@/%s?host=%s&port=6432&sslmode=disable&default_query_exec_mode=exec", server.Database, dir)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := pgx.Connect(t.Context(), url)
		if err == nil {
			conn.Close(t.Context())
			return url
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// asServer runs a command as the user that the tests' server runs as, when this is root: neither likes root.
func asServer(t *testing.T, dir string) *syscall.SysProcAttr {
	t.Helper()
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() != 0 {
		return attributes
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		t.Skip("running as root, and there is no user postgres")
	}
	uid, _ := strconv.ParseUint(account.Uid, 10, 32)
	gid, _ := strconv.ParseUint(account.Gid, 10, 32)
	if err := os.Chown(dir, int(uid), int(gid)); err != nil {
		t.Fatal(err)
	}
	attributes.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attributes
}

// TestPgBouncer runs the suite of stores through PgBouncer in transaction mode, migrations included.
func TestPgBouncer(t *testing.T) {
	t.Parallel()
	url := startPgBouncer(t)
	through := func(t *testing.T) *pgxpool.Pool {
		config, err := pgxpool.ParseConfig(url)
		if err != nil {
			t.Fatal(err)
		}
		config.MaxConns = 32
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		return pool
	}
	t.Run("suite", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) storetest.Fixture {
			if sameStatements.MatchString(strings.TrimPrefix(t.Name(), "TestPgBouncer/suite")) {
				t.Skip("it runs the same statements as others")
			}
			pool, schema := through(t), newSchema()
			db := stdlib.OpenDBFromPool(newPool(t))
			t.Cleanup(func() { db.Close() })
			store := newStore(t, pool, schema)
			return storetest.Fixture{Store: store, DB: db, Prefix: `"` + schema + `".`, Concurrent: true, Project: projecting(store)}
		})
	})
	t.Run("listen", func(t *testing.T) {
		pool, schema := through(t), newSchema()
		newStore(t, pool, schema)
		st, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema), postgres.WithListenURL(pgserver.URL(t)))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var woken atomic.Int32
		ended := make(chan error)
		go func() { ended <- st.Listen(ctx, func(store.News) { woken.Add(1) }) }()
		for n := int32(1); n <= 3; n++ {
			for deadline := time.Now().Add(10 * time.Second); woken.Load() < n; time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("woken %d times, want %d", woken.Load(), n)
				}
			}
			if err := st.Notify(t.Context(), store.NewWork); err != nil {
				t.Fatal(err)
			}
		}
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Listen ended with %v", err)
		}
	})
}
