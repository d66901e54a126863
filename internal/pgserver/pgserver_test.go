package pgserver

import (
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// The helper process of TestKilledOwner: holds a server until it is killed.
	if os.Getenv("PGSERVER_TEST_HOLD") != "" {
		server, err := Start(context.Background(), Options{})
		if err != nil {
			os.Stdout.WriteString(err.Error())
			os.Exit(1)
		}
		os.Stdout.WriteString(server.URL() + "\n")
		select {}
	}
	code := Main(m)
	if err := goleak.Find(); err != nil && code == 0 {
		os.Stderr.WriteString(err.Error())
		code = 1
	}
	os.Exit(code)
}

func setting(t *testing.T, url, name string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var value string
	if err := conn.QueryRow(t.Context(), "SELECT current_setting($1)", name).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func directory(t *testing.T, server string) string {
	t.Helper()
	parsed, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Query().Get("host")
}

func TestTwoServersAtOnceThenNothingLeft(t *testing.T) {
	skipIfShort(t)
	t.Setenv(OverrideVariable, "")
	var group sync.WaitGroup
	for _, durable := range []bool{false, true} {
		group.Go(func() {
			server, err := Start(t.Context(), Options{Durable: durable, Settings: map[string]string{"work_mem": "7MB"}})
			if err != nil {
				t.Error(err)
				return
			}
			defer server.Stop()
			want := map[bool]string{false: "off", true: "on"}[durable]
			if got := setting(t, server.URL(), "fsync"); got != want {
				t.Errorf("fsync is %s, want %s", got, want)
			}
			if got := setting(t, server.URL(), "work_mem"); got != "7MB" {
				t.Errorf("work_mem is %s, want 7MB", got)
			}
			dir := directory(t, server.URL())
			for range 2 {
				if err := server.Stop(); err != nil {
					t.Error(err)
				}
			}
			if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is still there: %v", dir, err)
			}
		})
	}
	group.Wait()
}

func TestSharedServer(t *testing.T) {
	first, second := URL(t), URL(t)
	if first != second {
		t.Errorf("two servers: %s and %s", first, second)
	}
	setting(t, first, "port")
}

func TestWrongSettingIsReportedWithTheServersWords(t *testing.T) {
	skipIfShort(t)
	t.Setenv(OverrideVariable, "")
	dir := ownTempDir(t)
	_, err := Start(t.Context(), Options{Settings: map[string]string{"no_such_setting": "1"}})
	if err == nil || !strings.Contains(err.Error(), "no_such_setting") {
		t.Errorf("got error %v", err)
	}
	expectEmpty(t, dir)
}

func TestCancelledStart(t *testing.T) {
	skipIfShort(t)
	t.Setenv(OverrideVariable, "")
	dir := ownTempDir(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Start(ctx, Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v", err)
	}
	expectEmpty(t, dir)
}

func TestKilledOwner(t *testing.T) {
	skipIfShort(t)
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), "PGSERVER_TEST_HOLD=1", OverrideVariable+"=")
	output, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 1024)
	n, err := output.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	server := strings.TrimSpace(string(buffer[:n]))
	setting(t, server, "port")

	holder.Process.Kill()
	holder.Wait()
	dir := directory(t, server)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s outlives its owner", dir)
		}
	}
	if conn, err := pgx.Connect(t.Context(), server); err == nil {
		conn.Close(context.Background())
		t.Error("the server outlives its owner")
	}
}

func TestOverride(t *testing.T) {
	t.Setenv(OverrideVariable, "postgres://elsewhere/db")
	server, err := Start(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if server.URL() != "postgres://elsewhere/db" {
		t.Errorf("got %s", server.URL())
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
}

func TestNoBinaries(t *testing.T) {
	for _, want := range []string{"apt-get install postgresql", OverrideVariable} {
		if !strings.Contains(errNoBinaries.Error(), want) {
			t.Errorf("the error does not name %s", want)
		}
	}
	if complete(t.TempDir()) {
		t.Error("an empty directory is taken for a server")
	}
}

func TestNewestVersionFirst(t *testing.T) {
	root := t.TempDir()
	for _, version := range []string{"9.6", "15", "9", "16"} {
		if err := os.MkdirAll(filepath.Join(root, version, "bin"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, dir := range debian(root) {
		got = append(got, filepath.Base(filepath.Dir(dir)))
	}
	if want := []string{"16", "15", "9", "9.6"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// ownTempDir makes the servers of a test live in a directory of its own, which other packages' tests do not touch.
func ownTempDir(t *testing.T) string {
	t.Helper()
	// Not t.TempDir: whom root hands the server to could not enter it.
	dir, err := os.MkdirTemp("/tmp", "pgserver-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
	return dir
}

func expectEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		t.Errorf("%s was left behind", entry.Name())
	}
}
