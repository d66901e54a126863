package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	modernc "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// location is the URI of a database file. A URI, unlike a plain path, may name files with a question mark.
type location string

// locate finds out early, and in the words of the operating system, what SQLite would call "unable to open database
// file". It must not open the file: closing it again would drop the locks that this process has on it.
func locate(path string) (location, error) {
	switch {
	case path == "":
		return "", errors.New("the path is empty")
	case path == ":memory:":
		return "", errors.New("that is no file, use OpenMemory")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if directory, err := os.Stat(filepath.Dir(path)); err != nil {
		return "", err
	} else if !directory.IsDir() {
		return "", &fs.PathError{Op: "open", Path: filepath.Dir(path), Err: errors.New("not a directory")}
	}
	switch file, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return "", err
	case !file.Mode().IsRegular():
		return "", errors.New("not a regular file")
	}
	slashes := filepath.ToSlash(path)
	if !strings.HasPrefix(slashes, "/") { // a drive
		slashes = "/" + slashes
	}
	return location((&url.URL{Scheme: "file", Path: slashes}).String()), nil
}

// withPragmas returns what the driver opens: the settings are made on each connection.
func (l location) withPragmas(pragmas ...string) string {
	return string(l) + "?" + url.Values{"_pragma": pragmas}.Encode()
}

// requireStore fails if a file is not there, or is a database without a store. What else may be wrong with it is left to those who open it to
// write. It writes nothing.
func requireStore(ctx context.Context, file location, path string) error {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	on, err := connect(ctx, string(file)+"?mode=ro")
	if err != nil {
		return nil
	}
	found, err := readTables(on)
	if closing := on.close(); err == nil && closing == nil && found.version == 0 {
		return ErrNoStore
	}
	return nil
}

// explain adds what to do about an error of SQLite that opening a file may meet.
func explain(err error) error {
	switch code(err) {
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN:
		return fmt.Errorf("the file and its directory must be readable and writable by this process: %w", err)
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("the file holds something else than an SQLite database: %w", err)
	}
	return err
}

// code is the primary result code of an error of SQLite, or 0.
func code(err error) int {
	var e *modernc.Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Code() & 0xff // the rest tells variants apart
}

// isBusy says that another process has a lock which it will give back.
func isBusy(err error) bool {
	c := code(err)
	return c == sqlite3.SQLITE_BUSY || c == sqlite3.SQLITE_PROTOCOL
}

// unavailable turns an error by which SQLite says that the file cannot be used now into *runtime.Unavailable.
func unavailable(err error) error {
	reason := ""
	switch code(err) {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_LOCKED:
		reason = "another process keeps the file locked"
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		reason = "the file cannot be written"
	case sqlite3.SQLITE_FULL:
		reason = "the disk is full"
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		reason = "the file cannot be read or written"
	default:
		return err
	}
	return &store.Unavailable{Reason: reason, Err: err}
}
