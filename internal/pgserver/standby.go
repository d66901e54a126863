package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// A test of a failover:
//
//	primary, err := pgserver.Start(ctx, pgserver.Options{Settings: map[string]string{
//		"synchronous_commit": "on", "synchronous_standby_names": "*", // leave out for asynchronous replication
//	}})
//	standby, err := primary.Standby(ctx, pgserver.Options{})
//	pool, err := pgxpool.New(ctx, pgserver.AnyURL("read-write", primary, standby))
//	...
//	standby.CutOff()             // it receives nothing from now on
//	err = primary.Crash(ctx)     // what was not sent is lost
//	err = standby.Promote(ctx)

var errNotOwn = errors.New("pgserver: the server was not started by this package: clear " + OverrideVariable + " for this test")

// Standby starts a server that replicates s by streaming, accepts reads, and is stopped on its own. The settings of s hold
// for it too, without synchronous_standby_names; options come on top of them.
func (s *Server) Standby(ctx context.Context, options Options) (*Server, error) {
	if s.dir == "" {
		return nil, errNotOwn
	}
	settings := map[string]string{"synchronous_standby_names": "", "wal_retrieve_retry_interval": "100ms"}
	maps.Copy(settings, options.Settings)
	options.Settings = settings
	return startOwn(ctx, options, func(dir string) (*link, error) {
		link, err := newLink(dir, s.dir)
		if err != nil {
			return nil, err
		}
		if err := s.copyData(ctx, filepath.Join(dir, "data"), filepath.Dir(link.listener.Addr().String())); err != nil {
			link.close()
			return nil, err
		}
		return link, nil
	})
}

// CutOff breaks the replication to a standby and keeps it broken. The primary sees the connection end.
func (s *Server) CutOff() { s.link.cutOff(true) }

// Reconnect ends what CutOff began. The standby catches up as soon as it tries again.
func (s *Server) Reconnect() { s.link.cutOff(false) }

// Follow makes a standby follow another server from now on, as after a failover.
func (s *Server) Follow(primary *Server) {
	s.link.cutOff(true)
	s.link.mu.Lock()
	s.link.to = filepath.Join(primary.dir, socketName)
	s.link.mu.Unlock()
	s.link.cutOff(false)
}

// Promote makes a standby a primary, and returns when it accepts writes.
func (s *Server) Promote(ctx context.Context) error {
	return s.control(ctx, "promote", "--wait", "--timeout=60")
}

// Crash ends the server as kill -9 of all its processes does: without a checkpoint, and without what was not yet written to
// the files of its log. All connections break. Start it again by Restart.
func (s *Server) Crash(ctx context.Context) error {
	return s.control(ctx, "stop", "--mode=immediate", "--wait", "--timeout=30")
}

// Restart starts a server again after Crash, and returns when it accepts connections.
func (s *Server) Restart(ctx context.Context) error {
	return s.control(ctx, "start", "--log="+filepath.Join(s.dir, "log"), "--wait", "--timeout=60")
}

// control runs pg_ctl.
func (s *Server) control(ctx context.Context, what string, arguments ...string) error {
	if s.dir == "" {
		return errNotOwn
	}
	arguments = append([]string{what, "--silent", "--pgdata=" + filepath.Join(s.dir, "data")}, arguments...)
	command := exec.CommandContext(ctx, filepath.Join(s.binaries, "pg_ctl"), arguments...)
	command.Dir = s.dir
	if err := Detach(command, s.dir); err != nil {
		return err
	}
	// To a file, not to a pipe: a server that was started keeps it open.
	output, err := os.OpenFile(filepath.Join(s.dir, "control"), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("pgserver: %w", err)
	}
	defer output.Close()
	command.Stdout, command.Stderr = output, output
	if err := command.Run(); err != nil {
		said, _ := os.ReadFile(output.Name())
		return fmt.Errorf("pgserver: pg_ctl %s: %w: %s", what, err, said)
	}
	return nil
}

// AnyURL is the connection string that names several servers, for a client that takes the first one that is
// as target_session_attrs says: any, read-write, read-only, primary, standby or prefer-standby.
func AnyURL(targetSessionAttrs string, servers ...*Server) string {
	dirs := make([]string, len(servers))
	for i, server := range servers {
		dirs[i] = server.dir
	}
	return socketURL(dirs...) + "&target_session_attrs=" + targetSessionAttrs
}

// link forwards a standby's connections to its primary, until it is cut off.
type link struct {
	listener net.Listener
	serving  sync.WaitGroup

	mu    sync.Mutex
	to    string
	cut   bool
	conns map[net.Conn]bool
}

const socketName = ".s.PGSQL.5432"

// newLink listens in a directory below dir.
func newLink(dir, primary string) (*link, error) {
	l := &link{to: filepath.Join(primary, socketName), conns: make(map[net.Conn]bool)}
	at := filepath.Join(dir, "primary")
	if err := os.Mkdir(at, 0o755); err != nil {
		return nil, err
	}
	var err error
	if l.listener, err = net.Listen("unix", filepath.Join(at, socketName)); err != nil {
		return nil, err
	}
	// The standby may run as another user.
	if err := os.Chmod(l.listener.Addr().String(), 0o777); err != nil {
		return nil, errors.Join(err, l.listener.Close())
	}
	l.serving.Go(func() {
		for {
			conn, err := l.listener.Accept()
			if err != nil {
				return
			}
			l.serving.Go(func() { l.forward(conn) })
		}
	})
	return l, nil
}

func (l *link) forward(standby net.Conn) {
	defer standby.Close()
	l.mu.Lock()
	to := l.to
	l.mu.Unlock()
	primary, err := net.Dial("unix", to)
	if err != nil {
		return
	}
	defer primary.Close()
	if !l.keep(standby, primary) {
		return
	}
	defer l.forget(standby, primary)
	both := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{standby, primary}, {primary, standby}} {
		l.serving.Go(func() {
			io.Copy(pair[0], pair[1])
			both <- struct{}{}
		})
	}
	<-both // closing the two ends the other one
}

// keep notes connections to close when the link is cut off; false when it already is.
func (l *link) keep(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range conns {
		l.conns[conn] = true
	}
	return !l.cut
}

func (l *link) forget(conns ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range conns {
		delete(l.conns, conn)
	}
}

func (l *link) cutOff(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
	if cut {
		for conn := range l.conns {
			conn.Close()
		}
		clear(l.conns)
	}
}

func (l *link) close() {
	if l == nil {
		return
	}
	l.listener.Close()
	l.cutOff(true)
	l.serving.Wait()
}
