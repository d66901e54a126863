package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
)

// copyData copies the data of a running server, for a standby that is to follow it through the socket in a directory. pg_basebackup
// would do it, but not every installation has it.
func (s *Server) copyData(ctx context.Context, to, socket string) error {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var version int
	if err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		return err
	}
	start, stop := "SELECT pg_backup_start('standby', true)", "SELECT labelfile FROM pg_backup_stop(false)"
	if version < 150000 {
		start, stop = "SELECT pg_start_backup('standby', true, false)", "SELECT labelfile FROM pg_stop_backup(false, false)"
	}
	if _, err := conn.Exec(ctx, start); err != nil {
		return err
	}
	if err := copyTree(filepath.Join(s.dir, "data"), to); err != nil {
		return err
	}
	var label string
	if err := conn.QueryRow(ctx, stop).Scan(&label); err != nil {
		return err
	}
	settings, err := os.OpenFile(filepath.Join(to, "postgresql.auto.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(settings, "primary_conninfo = 'host=%s port=5432 user=ironflow'\n", socket)
	return errors.Join(err, settings.Close(),
		os.WriteFile(filepath.Join(to, "backup_label"), []byte(label), 0o600),
		os.WriteFile(filepath.Join(to, "standby.signal"), nil, 0o600))
}

// copyTree copies the files of a server that runs. Files come and go meanwhile; those that matter are repaired from the log.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		name, _ := filepath.Rel(from, path)
		switch dir := filepath.Dir(name); {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o700)
		case !entry.Type().IsRegular(), strings.HasPrefix(name, "postmaster."), strings.HasPrefix(name, "pg_wal"), dir == "pg_stat_tmp", strings.HasPrefix(name, "pg_replslot"):
			return nil
		}
		source, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
		defer source.Close()
		target, err := os.OpenFile(filepath.Join(to, name), os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(target, source)
		return errors.Join(err, target.Close())
	})
}
