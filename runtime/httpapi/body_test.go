package httpapi

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

// TestSlowBody sends a body that never ends. It is answered after the handler's limit, and other requests are not held up.
func TestSlowBody(t *testing.T) {
	store, err := sqlite.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	engine, err := runtime.NewEngine(store, runtime.Config{}, ticket.NewWorkflow(ticket.Decider{}, ticket.Evolver{}, ticket.Handler{}))
	if err != nil {
		t.Fatal(err)
	}
	h := NewHandler(engine, Workflow{Name: "ticket", Inputs: []Input{{Name: "Open", ID: "id"}}}).(*handler)
	h.bodyLimit = 200 * time.Millisecond
	server := httptest.NewServer(h)
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /ticket/inputs/Open HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") || !strings.Contains(string(answer), `"request_timeout"`) {
		t.Errorf("got %q, %v", answer, err)
	}

	// A connection goes on after a body that came in time, also when the next one comes after the limit.
	for range 2 {
		resp, err := http.Post(server.URL+"/ticket/inputs/Open", "application/json", strings.NewReader(`{"id":"a","subject":"s"}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusRequestTimeout {
			t.Errorf("got %d", resp.StatusCode)
		}
	}
}
