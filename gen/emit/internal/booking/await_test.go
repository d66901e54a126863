package booking

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/httpapi"
)

// The client that speaks HTTP waits as the client in the process does.
func TestAwait(t *testing.T) {
	h := open(t, runtime.Config{PollInterval: 10 * time.Millisecond})
	ctx, cancel := context.WithTimeout(h.Context(), 30*time.Second)
	defer cancel()
	left := make(chan error)
	go func() {
		view, err := h.client.Await(ctx, "b-1", runtime.UntilCompleted())
		if err == nil && (!view.Completed || view.Version != 2) {
			err = errors.New("it has not completed")
		}
		left <- err
	}()
	if out, err := h.local.Request(ctx, request("b-1", "r")); err != nil || !out.Accepted() {
		t.Fatal(out, err)
	}
	view, err := h.client.Await(ctx, "b-1", runtime.UntilStatus(StatusBooked))
	if err != nil || view.Version != 1 || view.State.Status != StatusBooked {
		t.Errorf("got %+v, %v", view, err)
	}
	if view, err = h.client.Await(ctx, "b-1", runtime.UntilDelivered(1)); err != nil || view.Version != 1 {
		t.Errorf("got %+v, %v", view, err)
	}
	if out, err := h.local.Leave(ctx, Leave{BookingID: "b-1"}); err != nil || !out.Accepted() {
		t.Fatal(out, err)
	}
	if err := <-left; err != nil {
		t.Error(err)
	}
	_, err = h.client.Await(ctx, "b-1", runtime.UntilStatus(StatusBooked))
	if e := wantError(t, err, http.StatusConflict, httpapi.NeverReached); e.Version != 2 {
		t.Errorf("got %+v", e)
	}
	short, cancelShort := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancelShort()
	if _, err = h.client.Await(short, "b-2", runtime.UntilVersion(1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	for query, status := range map[string]int{
		"timeout=0": 204, "timeout=x": 400, "timeout=301": 400, "version=1&status=booked": 400, "status=lost": 400, "version=-1": 400, "delivered=x": 400,
		"timeout=0&version=1": 204, "timeout=0&delivered=1": 204,
	} {
		resp, err := h.http.Get(h.address + "/booking/b-2/await?" + query)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("%s: got %d, want %d", query, resp.StatusCode, status)
		}
	}
}

// Events come as server-sent events when they are stored. A client that connects again misses none.
func TestEventStream(t *testing.T) {
	h := open(t, runtime.Config{PollInterval: 10 * time.Millisecond})
	ctx, cancel := context.WithTimeout(h.Context(), 30*time.Second)
	defer cancel()
	stream := func(query, last string) *bufio.Scanner {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.address+"/booking/b-1/events"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Last-Event-ID", last)
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("got %d %v", resp.StatusCode, resp.Header)
		}
		return bufio.NewScanner(resp.Body)
	}
	read := func(s *bufio.Scanner) string {
		var lines []string
		for s.Scan() {
			switch {
			case s.Text() == "" && len(lines) > 0:
				return strings.Join(lines, "|")
			case s.Text() != "" && !strings.HasPrefix(s.Text(), ":"):
				lines = append(lines, s.Text())
			}
		}
		return strings.Join(append(lines, "EOF"), "|")
	}
	want := func(got string, parts ...string) {
		t.Helper()
		for _, part := range parts {
			if !strings.Contains(got, part) {
				t.Errorf("no %q in %q", part, got)
			}
		}
	}
	first := stream("", "")
	if out, err := h.local.Request(ctx, request("b-1", "r")); err != nil || !out.Accepted() {
		t.Fatal(out, err)
	}
	want(read(first), "id: 1|data: {", `"type":"Requested"`, `"version":1`)
	if out, err := h.local.Order(ctx, Order{BookingID: "b-1", Meal: MealDinner}); err != nil || !out.Accepted() {
		t.Fatal(out, err)
	}
	want(read(first), "id: 2|data: {", `"type":"Ordered"`)
	second := stream("", "1")
	want(read(second), "id: 2|data: {")
	if out, err := h.local.Leave(ctx, Leave{BookingID: "b-1"}); err != nil || !out.Accepted() {
		t.Fatal(out, err)
	}
	for _, s := range []*bufio.Scanner{first, second} {
		want(read(s), "id: 3|data: {", `"type":"Left"`)
		want(read(s), "event: end|data: {}")
		want(read(s), "EOF")
	}
	want(read(stream("", "3")), "event: end")
	want(read(stream("?after=1", "")), "id: 2|data: {")
	want(read(stream("?after=1", "2")), "id: 3|data: {") // a browser connects again to the same URL
	for _, path := range []string{"/booking/b-1/events?after=x", "/booking/b-1/events?after=-1"} {
		resp, err := h.http.Get(h.address + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: got %d", path, resp.StatusCode)
		}
	}
}
