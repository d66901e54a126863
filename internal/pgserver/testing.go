package pgserver

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"
)

var shared struct {
	sync.Mutex
	server *Server
	err    error
}

// Main runs the tests of a package and then stops the server they share, if one of them asked for it. It returns the exit
// code:
//
//	func TestMain(m *testing.M) { os.Exit(pgserver.Main(m)) }
func Main(m interface{ Run() int }) int {
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		if err := shared.server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
		shared.server = nil
	}
	return code
}

// URL returns the connection string of the server that the tests of this package share. The first call starts it. Without
// a server the test fails; it is never skipped.
func URL(t interface {
	Helper()
	Fatal(...any)
}) string {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil && shared.err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		shared.server, shared.err = Start(ctx, Options{})
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server.URL()
}
