//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"text/template"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/internal/silentpeer"
)

// cluster is etcd and three nodes, each a PostgreSQL server with its Patroni. All that nodes say to each other, to etcd and to clients goes
// through proxies, which can cut a node off.
type cluster struct {
	dir      string
	log      io.Writer
	binaries string
	etcd     *exec.Cmd
	nodes    []*node
	cleanup  []func()
}

type node struct {
	Name, Dir, Binaries   string
	Server, API           string // where they listen
	ServerProxy, APIProxy string // where others find them
	EtcdProxy             string
	proxies               []*silentpeer.Proxy
	patroni               *exec.Cmd
}

// The interface that silentpeer needs.
func (c *cluster) Helper()             {}
func (c *cluster) Fatal(args ...any)   { panic(fmt.Sprint(args...)) } // loopback has no port left
func (c *cluster) Cleanup(stop func()) { c.cleanup = append(c.cleanup, stop) }

func startCluster(ctx context.Context, log io.Writer) (_ *cluster, err error) {
	for _, program := range []string{"etcd", "patroni"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("%w; Debian has it in the packages etcd-server and patroni", err)
		}
	}
	c := &cluster{log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.stop(false))
		}
	}()
	if c.binaries, err = pgserver.Binaries(); err != nil {
		return nil, err
	}
	if c.dir, err = os.MkdirTemp("/tmp", "ironflow-failover-"); err != nil {
		return nil, err
	}
	if err := os.Chmod(c.dir, 0o755); err != nil {
		return nil, err
	}
	client, peer := freeAddress(), freeAddress()
	if c.etcd, err = c.start("etcd", "etcd", "--data-dir", filepath.Join(c.dir, "etcd", "data"), "--unsafe-no-fsync", "--enable-v2",
		"--listen-client-urls", "http://"+client, "--advertise-client-urls", "http://"+client,
		"--listen-peer-urls", "http://"+peer, "--initial-advertise-peer-urls", "http://"+peer, "--initial-cluster", "default=http://"+peer); err != nil {
		return nil, err
	}
	for i := range 3 {
		n := &node{Name: fmt.Sprint("n", i+1), Binaries: c.binaries, Server: freeAddress(), API: freeAddress()}
		n.Dir = filepath.Join(c.dir, n.Name)
		for _, p := range []struct {
			to   string
			from *string
		}{{n.Server, &n.ServerProxy}, {n.API, &n.APIProxy}, {client, &n.EtcdProxy}} {
			proxy := silentpeer.Start(c, "tcp", p.to)
			*p.from = proxy.Addr()
			n.proxies = append(n.proxies, proxy)
		}
		c.nodes = append(c.nodes, n)
		if err := c.startNode(n); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// freeAddress returns an address at which nobody listens.
func freeAddress() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err) // loopback has no port left
	}
	defer listener.Close()
	return listener.Addr().String()
}

// start starts a program in a directory of its own, with its output in a file there.
func (c *cluster) start(name, program string, arguments ...string) (*exec.Cmd, error) {
	dir := filepath.Join(c.dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	command := exec.Command(program, arguments...)
	command.Dir = dir
	command.Env = append(os.Environ(), "HOME="+dir)
	if err := pgserver.Detach(command, dir); err != nil {
		return nil, err
	}
	output, err := os.OpenFile(filepath.Join(dir, "output"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer output.Close()
	command.Stdout, command.Stderr = output, output
	return command, command.Start()
}

// configuration is that of Patroni. The shortest ttl that it takes is 20 s. It uses version 2 of etcd's interface: with version 3, Patroni
// 3.0 writes the leader's key without looking when its lease has ended. A primary that was frozen then takes the key from the node that was
// promoted, and what that one had committed is lost.
var configuration = template.Must(template.New("").Parse(`
scope: failover
name: {{.Name}}
restapi: {listen: "{{.API}}", connect_address: "{{.APIProxy}}"}
etcd: {hosts: "{{.EtcdProxy}}", use_proxies: true}
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 2
    retry_timeout: 5
    primary_start_timeout: 0
    master_start_timeout: 0
    maximum_lag_on_failover: 1048576
    synchronous_mode: true
    synchronous_mode_strict: true
    postgresql:
      use_pg_rewind: true
      use_slots: true
      parameters:
        max_connections: 100
        max_wal_senders: 10
        max_replication_slots: 10
        wal_level: replica
        wal_log_hints: "on"
        wal_keep_size: 256MB
        shared_buffers: 64MB
        fsync: "off"
        wal_receiver_timeout: 5s
        wal_sender_timeout: 5s
        wal_retrieve_retry_interval: 200ms
  initdb: [{encoding: UTF8}, {locale: C}, {auth-local: trust}, {auth-host: trust}]
postgresql:
  listen: "{{.Server}}"
  connect_address: "{{.ServerProxy}}"
  bin_dir: "{{.Binaries}}"
  data_dir: "{{.Dir}}/data"
  pgpass: "{{.Dir}}/pgpass"
  use_unix_socket: true
  remove_data_directory_on_rewind_failure: true
  remove_data_directory_on_diverged_timelines: true
  authentication:
    superuser: {username: postgres}
    replication: {username: postgres}
    rewind: {username: postgres}
  parameters: {unix_socket_directories: "{{.Dir}}"}
  pg_hba: ["local all all trust", "host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"]
`))

func (c *cluster) startNode(n *node) (err error) {
	if err := os.MkdirAll(n.Dir, 0o755); err != nil {
		return err
	}
	var text bytes.Buffer
	if err := configuration.Execute(&text, n); err != nil {
		return err
	}
	file := filepath.Join(n.Dir, "patroni.yml")
	if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
		return err
	}
	n.patroni, err = c.start(n.Name, "patroni", file)
	return err
}

// clientURL names all nodes, and asks for the one that accepts writes.
func (c *cluster) clientURL() string {
	var addresses []string
	for _, n := range c.nodes {
		addresses = append(addresses, n.ServerProxy)
	}
	return "postgres://postgres@" + strings.Join(addresses, ",") + "/postgres?sslmode=disable&target_session_attrs=read-write&connect_timeout=2"
}

// member is a node as Patroni sees it.
type member struct {
	Name, Role, State string
	Timeline          int
}

// members asks one node for all.
func (c *cluster) members(ctx context.Context) (members []member, err error) {
	for _, n := range c.nodes {
		if members, err = n.members(ctx); err == nil {
			return members, nil
		}
	}
	return nil, err
}

func (n *node) members(ctx context.Context) ([]member, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.API+"/cluster", nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var said struct{ Members []member }
	return said.Members, json.NewDecoder(response.Body).Decode(&said)
}

// healthy waits until all nodes say that all is well.
func (c *cluster) healthy(ctx context.Context) error {
	const patience = 3 * time.Minute
	var last []member
	for deadline := time.Now().Add(patience); ; {
		healthy := 0
		for _, n := range c.nodes { // one that has just come back may know less than the others
			if members, err := n.members(ctx); err == nil {
				last = members
				if wellSet(members) {
					healthy++
				}
			}
		}
		if healthy == len(c.nodes) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the cluster is not healthy after %v: %+v", patience, last)
		}
		if !sleep(ctx, 200*time.Millisecond) {
			return ctx.Err()
		}
	}
}

// wellSet reports whether there are a primary, a synchronous standby and another one, all on one timeline.
func wellSet(members []member) bool {
	leaders, synchronous, following := 0, 0, 0
	for _, m := range members {
		if m.Timeline != members[0].Timeline || m.State != "running" && m.State != "streaming" {
			return false
		}
		switch m.Role {
		case "leader":
			leaders++
		case "sync_standby":
			synchronous++
		default:
			following++
		}
	}
	return leaders == 1 && synchronous == 1 && following == 1
}

// leader returns the primary.
func (c *cluster) leader(ctx context.Context) (*node, error) {
	members, err := c.members(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		for _, n := range c.nodes {
			if m.Role == "leader" && m.Name == n.Name {
				return n, nil
			}
		}
	}
	return nil, errors.New("there is no leader")
}

// otherPrimary waits until a node other than the old primary accepts a write, which is replicated, and returns when.
func (c *cluster) otherPrimary(ctx context.Context, old *node) (time.Time, error) {
	const patience = 2 * time.Minute
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no other node accepts writes after %v", patience))
	defer cancel()
	written := make(chan time.Time, len(c.nodes))
	for _, n := range c.nodes {
		if n != old {
			go func() {
				for ctx.Err() == nil {
					if n.write(ctx) == nil {
						written <- time.Now()
						return
					}
					sleep(ctx, 50*time.Millisecond)
				}
			}()
		}
	}
	select {
	case at := <-written:
		return at, nil
	case <-ctx.Done():
		return time.Time{}, context.Cause(ctx)
	}
}

func (n *node) write(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, "postgres://postgres@"+n.Server+"/postgres?sslmode=disable")
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS probe (); INSERT INTO probe DEFAULT VALUES")
	return err
}

// serverProcesses are the processes of a node's server, its postmaster first; none when it does not run.
func (n *node) serverProcesses() (pids []int) {
	text, err := os.ReadFile(filepath.Join(n.Dir, "data", "postmaster.pid"))
	if err != nil {
		return nil
	}
	first, _, _ := strings.Cut(string(text), "\n")
	postmaster, err := strconv.Atoi(first)
	if err != nil || syscall.Kill(postmaster, 0) != nil {
		return nil
	}
	pids = append(pids, postmaster)
	children, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range children {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// After the name, which stands in parentheses, come the state and the parent.
		_, rest, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == first {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// signal sends a signal to the processes of a node's server, and to its Patroni if that is told.
func (n *node) signal(signal syscall.Signal, patroni bool) {
	if patroni {
		_ = syscall.Kill(-n.patroni.Process.Pid, signal) // what has ended needs no signal
	}
	for _, pid := range n.serverProcesses() {
		_ = syscall.Kill(pid, signal)
	}
}

// stop ends all processes that the cluster has started, and removes their directory.
func (c *cluster) stop(keep bool) error {
	for _, n := range c.nodes {
		if n.patroni != nil {
			n.signal(syscall.SIGKILL, true)
			_ = n.patroni.Wait() // it was killed
			n.signal(syscall.SIGKILL, false)
		}
	}
	if c.etcd != nil {
		_ = c.etcd.Process.Kill()
		_ = c.etcd.Wait()
	}
	for _, stop := range c.cleanup {
		stop()
	}
	if keep {
		fmt.Fprintln(c.log, "kept:", c.dir)
		return nil
	}
	return os.RemoveAll(c.dir)
}
