// Package pgserver runs a throw-away PostgreSQL server from the binaries that are installed on this machine, for tests,
// benchmarks and the demo.
//
// A server lives in a temporary directory of its own and is reached through a unix socket in it, so any number of them
// run side by side and none takes a port. It stops and its directory goes when Stop is called, and also when this
// process ends in any other way, even by SIGKILL: the server belongs to a small shell script that waits for the end of
// its standard input, which only this process holds open.
package pgserver

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// OverrideVariable is the environment variable that names a running server to use instead of starting one.
const OverrideVariable = "IRONFLOW_TEST_DATABASE_URL"

//go:embed supervise.sh
var superviseScript string

// Options of a server. The zero value suits tests.
type Options struct {
	// Durable keeps fsync and its companions on, for benchmarks. Tests need no data that survives a power cut.
	Durable bool

	// Settings are lines of postgresql.conf, by name. They win over the ones this package chooses.
	Settings map[string]string
}

// Server is a running PostgreSQL.
type Server struct {
	url  string
	stop func() error

	binaries, dir string
	link          *link // a standby's way to its primary; nil for others
}

// URL is the connection string of an empty database whose user is a superuser.
func (s *Server) URL() string { return s.url }

// Stop ends the server, breaks its connections and removes its directory. Calls after the first do nothing. A server
// that was named by OverrideVariable is left alone.
func (s *Server) Stop() error { return s.stop() }

// Start starts a server and returns when it accepts connections. ctx limits the start only.
func Start(ctx context.Context, options Options) (*Server, error) {
	if override := os.Getenv(OverrideVariable); override != "" {
		return &Server{url: override, stop: func() error { return nil }}, nil
	}
	if testing.Testing() && flag.Parsed() && testing.Short() {
		return nil, errors.New("pgserver: -short does without servers: call URL, Own or Database, which skip the test")
	}
	return startOwn(ctx, options, noPrimary)
}

// noPrimary is what a server follows that is no standby.
func noPrimary(string) (*link, error) { return nil, nil }

// startOwn starts a server in a directory of its own. What follow returns for that directory is its way to a primary.
func startOwn(ctx context.Context, options Options, follow func(dir string) (*link, error)) (*Server, error) {
	binaries, err := Binaries()
	if err != nil {
		return nil, err
	}
	// A socket's path may have no more than about 100 bytes, so a TMPDIR that is deep in the file system does not serve.
	parent := os.TempDir()
	if len(parent) > 60 {
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, "ironflow-pg-")
	if err != nil {
		return nil, fmt.Errorf("pgserver: %w", err)
	}
	link, err := follow(dir)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("pgserver: %w", err), os.RemoveAll(dir))
	}
	server, err := start(ctx, binaries, dir, options, link)
	if err != nil {
		link.close()
		// The script removes the directory when it ran at all.
		return nil, errors.Join(fmt.Errorf("pgserver: %w", err), os.RemoveAll(dir))
	}
	return server, nil
}

func start(ctx context.Context, binaries, dir string, options Options, link *link) (*Server, error) {
	config := filepath.Join(dir, "settings.conf")
	if err := os.WriteFile(config, []byte(settings(dir, options)), 0o644); err != nil {
		return nil, err
	}

	var complaints bytes.Buffer
	supervisor := exec.Command("/bin/sh", "-c", superviseScript, "pgserver", binaries, dir)
	supervisor.Dir = dir
	supervisor.Stderr = &complaints
	if err := Detach(supervisor, dir); err != nil {
		return nil, err
	}
	alive, err := supervisor.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := supervisor.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := supervisor.Start(); err != nil {
		return nil, err
	}
	// However the start ends, the end of the script's input makes it clean up.
	cancelled := context.AfterFunc(ctx, func() { alive.Close() })
	defer cancelled()

	// A script that fails ends, and with it its output; what it complained of is in the error of end.
	line, _ := bufio.NewReader(output).ReadString('\n')
	end := sync.OnceValue(func() error {
		alive.Close()
		defer link.close()
		if err := supervisor.Wait(); err != nil {
			return fmt.Errorf("%w: %s", err, bytes.TrimSpace(complaints.Bytes()))
		}
		return nil
	})
	if err := ctx.Err(); err != nil {
		end()
		return nil, fmt.Errorf("waiting for the server to start: %w", context.Cause(ctx))
	}
	if line != "ready\n" {
		return nil, fmt.Errorf("the server in %s did not start: %w", binaries, cmp.Or(end(), errors.New("no answer from it")))
	}
	return &Server{url: socketURL(dir), stop: end, binaries: binaries, dir: dir, link: link}, nil
}

func socketURL(dirs ...string) string {
	ports := strings.Repeat(",5432", len(dirs))[1:]
	query := url.Values{"host": {strings.Join(dirs, ",")}, "port": {ports}, "sslmode": {"disable"}}
	return "postgres://ironflow@/postgres?" + query.Encode()
}

// settings returns the lines to append to postgresql.conf.
func settings(dir string, options Options) string {
	chosen := map[string]string{
		"listen_addresses":          "", // the socket is enough, and takes no port
		"unix_socket_directories":   dir,
		"port":                      "5432", // part of the socket's file name, no more
		"max_connections":           "200",
		"max_prepared_transactions": "10",
		"wal_keep_size":             "64MB", // for standbys that begin later
		"shared_buffers":            "128MB",
		"timezone":                  "UTC",
	}
	if !options.Durable {
		chosen["fsync"] = "off"
		chosen["full_page_writes"] = "off"
		chosen["synchronous_commit"] = "off"
	}
	maps.Copy(chosen, options.Settings)

	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(chosen)) {
		fmt.Fprintf(&lines, "%s = '%s'\n", name, strings.ReplaceAll(chosen[name], "'", "''"))
	}
	return lines.String()
}
