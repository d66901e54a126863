package main

import (
	"bytes"
	"database/sql"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

// However a store is named, rightly or not, no part of its password is printed.
func TestNoPasswordIsPrinted(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]string{
		"postgres://u:SECRET@127.0.0.1:1/db":                                  "postgres://u@127.0.0.1:1/db: ",
		"postgres://u:SE%40CRET@127.0.0.1:1/db?connect_timeout=2":             "postgres://u@127.0.0.1:1/db: ",
		"postgres://127.0.0.1:1/db?user=u&password=SECRET":                    "postgres://u@127.0.0.1:1/db: ",
		"postgres://u:SE:CRET@127.0.0.1:1/db":                                 "postgres://u@127.0.0.1:1/db: ",
		"postgres://u:SE#CRET@127.0.0.1:1/db":                                 "postgres://u@127.0.0.1:1/db: ",
		"postgres://u:CRET/SECRET@127.0.0.1:1/db":                             "%2F for /",
		"postgres://u:SEC%RET@127.0.0.1:1/db":                                 "%40 for @",
		"postgres://u:SE CRET@127.0.0.1:1/db":                                 "%40 for @",
		"postgres://u:SECRET@[::1/db":                                         "cannot be read",
		"POSTGRES://u:SE@CRET@127.0.0.1:1/db":                                 "no such file",
		"host=127.0.0.1 port=1 user=u dbname=db password=SE@CRET":             "postgres://u@127.0.0.1:1/db: ",
		`host=127.0.0.1 port=1 user=u dbname=db password = 'SE\'CRET SECRET'`: "postgres://u@127.0.0.1:1/db: ",
		`host=127.0.0.1 port=1 user=u dbname=db password=SE\ CRET`:            "postgres://u@127.0.0.1:1/db: ",
		"host=127.0.0.1 port=1 password=SE CRET":                              "password='…'",
		"user=u password=SECRET dbname=db":                                    "no such file",
		"user=u PASSWORD = SECRET dbname=db":                                  "no such file",
	} {
		var out, errs bytes.Buffer
		code := Run(t.Context(), []string{"health", "-store", name, "-timeout", "10s"}, strings.NewReader(""), &out, &errs)
		if code != exitStore || !strings.Contains(errs.String(), says) || strings.Contains(out.String()+errs.String(), "CRET") {
			t.Errorf("%s: code %d, prints %s%s, want %q", name, code, &out, &errs, says)
		}
	}
}

// A file that is not a store is left as it is, whatever the command.
func TestFileOfAnotherProgram(t *testing.T) {
	t.Parallel()
	empty, other := filepath.Join(t.TempDir(), "empty.db"), filepath.Join(t.TempDir(), "other.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE bookmarks (url TEXT)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t}
	for _, file := range []string{empty, other} {
		before, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		b.want(b.ironflow(exitStore, "list", "-store", file), "no tables of ironflow")
		b.want(b.ironflow(exitStore, "import", "-write", "-reason", "x", "-store", file), "no tables of ironflow")
		if after, err := os.ReadFile(file); err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s has changed, or: %v", file, err)
		}
	}
}

// A store with a name of special characters is found.
func TestFileWithSpecialCharacters(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "50% #1.db")
	st, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	(&bench{T: t}).ironflow(exitOK, "health", "-store", file)
}

// A server that accepts connections and says nothing holds no command up for longer than -timeout.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	b := &bench{T: t}
	b.want(b.ironflow(exitStore, "health", "-store", "postgres://u@"+listener.Addr().String()+"/db", "-timeout", "200ms"),
		"did not end within -timeout 200ms")
}
