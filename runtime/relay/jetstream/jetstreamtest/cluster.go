// Package jetstreamtest runs clusters of NATS servers with JetStream, each server a process that can be killed. It is for the tests and
// benchmarks of this repository.
package jetstreamtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// nodeVariable has the options of a node in the environment of its process.
const nodeVariable = "IRONFLOW_NATS_NODE"

// node is what a server's process is told.
type node struct {
	Name, Dir     string
	Port, Cluster int
	Routes        []int
}

// RunNode runs a server if the process was started as one, until its parent ends. Programs that start clusters call it first.
func RunNode() {
	told := os.Getenv(nodeVariable)
	if told == "" {
		return
	}
	var n node
	if err := json.Unmarshal([]byte(told), &n); err != nil {
		panic(err)
	}
	options := &server.Options{
		ServerName: n.Name, Host: "127.0.0.1", Port: n.Port, StoreDir: n.Dir, JetStream: true, NoSigs: true, NoLog: true,
		JetStreamMaxStore: 8 << 30, JetStreamMaxMemory: 1 << 30,
	}
	if len(n.Routes) > 0 {
		options.Cluster = server.ClusterOpts{Name: "relay", Host: "127.0.0.1", Port: n.Cluster, PoolSize: -1}
		for _, port := range n.Routes {
			options.Routes = append(options.Routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", port)})
		}
	}
	s, err := server.NewServer(options)
	if err != nil {
		panic(err)
	}
	go s.Start()
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// Cluster is a set of servers.
type Cluster struct {
	nodes     []node
	processes []*exec.Cmd
}

// Start starts servers, whose files are below a directory, and waits until JetStream is ready.
func Start(dir string, servers int) (*Cluster, error) {
	c := &Cluster{processes: make([]*exec.Cmd, servers)}
	ports, err := freePorts(2 * servers)
	if err != nil {
		return nil, err
	}
	for i := range servers {
		n := node{Name: fmt.Sprint("n", i), Dir: filepath.Join(dir, fmt.Sprint("n", i)), Port: ports[i], Cluster: ports[servers+i]}
		if servers > 1 {
			n.Routes = ports[servers:]
		}
		c.nodes = append(c.nodes, n)
	}
	for i := range servers {
		if err := c.Restart(i); err != nil {
			c.Stop()
			return nil, err
		}
	}
	if err := c.ready(); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

// ready waits until the cluster answers questions about JetStream.
func (c *Cluster) ready() (err error) {
	for range 300 {
		time.Sleep(100 * time.Millisecond)
		var conn *nats.Conn
		if conn, err = nats.Connect(c.URL()); err != nil {
			continue
		}
		var reply *nats.Msg
		reply, err = conn.Request("$JS.API.INFO", nil, time.Second)
		conn.Close()
		if err == nil && !strings.Contains(string(reply.Data), `"error"`) {
			return nil
		}
	}
	return fmt.Errorf("the servers are not ready: %w", err)
}

// URL returns the addresses of all servers.
func (c *Cluster) URL() string {
	var urls []string
	for _, n := range c.nodes {
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", n.Port))
	}
	return strings.Join(urls, ",")
}

// Kill kills a server.
func (c *Cluster) Kill(i int) error {
	p := c.processes[i]
	if p == nil {
		return nil
	}
	c.processes[i] = nil
	err := p.Process.Kill()
	_ = p.Wait()
	return err
}

// Freeze stops a server in the middle of its work: it keeps its connections and does not answer, until Thaw.
func (c *Cluster) Freeze(i int) error { return c.processes[i].Process.Signal(syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (c *Cluster) Thaw(i int) error { return c.processes[i].Process.Signal(syscall.SIGCONT) }

// Restart starts a server that does not run.
func (c *Cluster) Restart(i int) error {
	if c.processes[i] != nil {
		return nil
	}
	told, err := json.Marshal(c.nodes[i])
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	p := exec.Command(program)
	p.Env = append(os.Environ(), nodeVariable+"="+string(told))
	if _, err := p.StdinPipe(); err != nil { // it closes with this process
		return err
	}
	p.Stderr = os.Stderr
	if err := p.Start(); err != nil {
		return err
	}
	c.processes[i] = p
	return nil
}

// Stop kills all servers.
func (c *Cluster) Stop() {
	for i := range c.processes {
		_ = c.Kill(i)
	}
}

// freePorts returns ports that were free a moment ago.
func freePorts(n int) (ports []int, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, l.Close()) }()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
