// Package silentpeer is a proxy on loopback for tests, between a client and its server. Connections through it can be made
// silent: they stay open and carry no more bytes, while new connections work at once. A server that hangs behind a
// load balancer looks like that, and so does a NAT that has forgotten a connection.
//
//	proxy := silentpeer.Start(t, "unix", socket)
//	... connect to proxy.Addr() ...
//	proxy.Silence() // what is open now
package silentpeer

import (
	"net"
	"net/url"
	"path/filepath"
	"sync"
)

// Proxy forwards connections to a server. All methods are safe for concurrent use.
type Proxy struct {
	listener         net.Listener
	network, address string // of the server

	mu     sync.Mutex
	links  map[*link]struct{}
	silent bool // new connections, too
	closed bool
	done   sync.WaitGroup
}

// link is one connection of a client with the one to the server.
type link struct {
	client, server net.Conn

	mu      sync.Mutex
	moved   *sync.Cond // on mu
	silent  bool
	answers bool // only what the server says is held back
	closed  bool
}

// T is the part of testing.TB that this package needs.
type T interface {
	Helper()
	Fatal(...any)
	Cleanup(func())
}

// Start starts a proxy to the server at an address. It closes with the test, and all its connections with it.
func Start(t T, network, address string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: listener, network: network, address: address, links: make(map[*link]struct{})}
	p.done.Go(p.accept)
	t.Cleanup(p.Close)
	return p
}

// Postgres starts a proxy to a PostgreSQL server and returns it with the connection string through it. It takes URLs
// of package pgserver, which name a socket, and those with a host and a port.
func Postgres(t T, server string) (*Proxy, string) {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	network, address := "tcp", u.Host
	if dir := query.Get("host"); dir != "" {
		port := query.Get("port")
		if port == "" {
			port = "5432"
		}
		network, address = "unix", filepath.Join(dir, ".s.PGSQL."+port)
		query.Del("host")
		query.Del("port")
	}
	p := Start(t, network, address)
	u.Host = p.Addr()
	query.Set("sslmode", "disable")
	u.RawQuery = query.Encode()
	return p, u.String()
}

// Addr is where the proxy listens: host and port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Silence makes all connections silent that are open now, in both directions. Those that come later work.
func (p *Proxy) Silence() { p.each(func(l *link) { l.silent, l.answers = true, false }) }

// SilenceAnswers holds back what the server says on the connections that are open now. What the client says arrives: a
// commit is done, and its answer is lost.
func (p *Proxy) SilenceAnswers() { p.each(func(l *link) { l.silent, l.answers = true, true }) }

// SilenceAll makes all connections silent, those that are yet to come too, until Resume.
func (p *Proxy) SilenceAll() {
	p.mu.Lock()
	p.silent = true
	p.mu.Unlock()
	p.Silence()
}

// Resume lets all connections go on. What was held back is delivered.
func (p *Proxy) Resume() {
	p.mu.Lock()
	p.silent = false
	p.mu.Unlock()
	p.each(func(l *link) { l.silent = false })
}

// Open is how many connections are open, silent ones included.
func (p *Proxy) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Close ends the proxy and all its connections.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.listener.Close()
	p.each(func(l *link) { l.close() })
	p.done.Wait()
}

// each changes the links that there are, and wakes those who wait at one.
func (p *Proxy) each(change func(*link)) {
	p.mu.Lock()
	links := make([]*link, 0, len(p.links))
	for l := range p.links {
		links = append(links, l)
	}
	p.mu.Unlock()
	for _, l := range links {
		l.mu.Lock()
		change(l)
		l.moved.Broadcast()
		l.mu.Unlock()
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.done.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial(p.network, p.address)
	if err != nil {
		return
	}
	defer server.Close()
	l := &link{client: client, server: server}
	l.moved = sync.NewCond(&l.mu)
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	l.silent = p.silent
	p.links[l] = struct{}{}
	p.mu.Unlock()

	var pumps sync.WaitGroup
	pumps.Go(func() { l.pump(server, client, false) })
	pumps.Go(func() { l.pump(client, server, true) })
	pumps.Wait()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

// pump forwards bytes until one of the connections ends. While the link is silent, even their end is held back.
func (l *link) pump(to, from net.Conn, answers bool) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if !l.mayPass(answers) {
			return
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	l.mu.Lock()
	l.close()
	l.mu.Unlock()
}

// mayPass waits while the direction is silent. It returns false when the link is closed.
func (l *link) mayPass(answers bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.silent && (answers || !l.answers) && !l.closed {
		l.moved.Wait()
	}
	return !l.closed
}

// close ends both connections; l.mu is held.
func (l *link) close() {
	if l.closed {
		return
	}
	l.closed = true
	l.client.Close()
	l.server.Close()
	l.moved.Broadcast()
}
