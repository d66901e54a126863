package silentpeer_test

import (
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/internal/silentpeer"
)

// echo starts a server that sends back what it reads.
func echo(t *testing.T) net.Addr {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	return listener.Addr()
}

func dial(t *testing.T, p *silentpeer.Proxy) net.Conn {
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// answers reports whether a byte comes back within some time.
func answers(t *testing.T, c net.Conn, within time.Duration) bool {
	t.Helper()
	if _, err := c.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	return hears(t, c, within)
}

func hears(t *testing.T, c net.Conn, within time.Duration) bool {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(within))
	_, err := c.Read(make([]byte, 1))
	if err != nil && !os.IsTimeout(err) {
		t.Fatal(err)
	}
	return err == nil
}

func TestSilence(t *testing.T) {
	t.Parallel()
	server := echo(t)
	for name, silence := range map[string]func(*silentpeer.Proxy){
		"both directions": (*silentpeer.Proxy).Silence,
		"answers":         (*silentpeer.Proxy).SilenceAnswers,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := silentpeer.Start(t, server.Network(), server.String())
			before := dial(t, proxy)
			if !answers(t, before, 10*time.Second) {
				t.Fatal("no answer through the proxy")
			}
			silence(proxy)
			if answers(t, before, 50*time.Millisecond) {
				t.Error("an answer on a silent connection")
			}
			if !answers(t, dial(t, proxy), 10*time.Second) {
				t.Error("no answer on a new connection")
			}
			if n := proxy.Open(); n != 2 {
				t.Errorf("%d connections are open", n)
			}
			proxy.Resume()
			if !hears(t, before, 10*time.Second) {
				t.Error("what was held back does not come")
			}
		})
	}
}

func TestSilenceAll(t *testing.T) {
	t.Parallel()
	server := echo(t)
	proxy := silentpeer.Start(t, server.Network(), server.String())
	proxy.SilenceAll()
	c := dial(t, proxy)
	if answers(t, c, 50*time.Millisecond) {
		t.Error("an answer on a new connection")
	}
	proxy.Resume()
	if !hears(t, c, 10*time.Second) {
		t.Error("what was held back does not come")
	}
}
