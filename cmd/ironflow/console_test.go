package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/order/order"
)

// The command serves pages until it is interrupted, and those who may not write see nothing to change.
func TestConsole(t *testing.T) {
	onStores(t, func(b *bench) {
		client, stop := b.run(&shop{broken: true}, "web-1/7", frozen{now: time.Now()}) // the order has a deadline
		out, err := client.Create(b.Context(), order.Create{OrderID: "o-17", CartID: "c", Items: []order.Item{{Quantity: 1, PriceCents: 900}}})
		if err != nil || !out.Accepted() {
			b.Fatalf("got %+v, %v", out, err)
		}
		b.eventually("certificate expired", "dead")
		stop()
		for _, write := range []bool{false, true} {
			ctx, cancel := context.WithCancel(b.Context())
			args := append([]string{"console", "-listen", "127.0.0.1:0", "-by", "ann"}, b.flags...)
			if write {
				args = append(args, "-write")
			}
			out, in := io.Pipe()
			var errs bytes.Buffer
			done := make(chan int, 1)
			go func() {
				code := Run(ctx, args, strings.NewReader(""), in, &errs)
				_ = in.Close()
				done <- code
			}()
			line, err := bufio.NewReader(out).ReadString('\n')
			address, found := strings.CutPrefix(strings.TrimSpace(line), "the console is at ")
			if err != nil || !found {
				b.Fatalf("it prints %q, %v, %s", line, err, errs.String())
			}
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"dead", nil)
			if err != nil {
				b.Fatal(err)
			}
			client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
			answer, err := client.Do(request)
			if err != nil {
				b.Fatal(err)
			}
			body, err := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(body), "certificate expired") ||
				strings.Contains(string(body), "change=retry") != write || strings.Contains(string(body), "\x1b") {
				b.Errorf("with write %t: %d, %v, %s", write, answer.StatusCode, err, body)
			}
			cancel()
			if code := <-done; code != exitOK {
				b.Errorf("it ends with %d, %s", code, errs.String())
			}
		}
		b.want(b.ironflow(exitUsage, "console", "-listen", "0.0.0.0:0"), "runtime/console")
	})
}
