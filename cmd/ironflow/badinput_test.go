package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// hostileIDs are ids that are hard to show, or to name on a command line.
var hostileIDs = []string{
	"a/b//c", "/", `it's "so"`, "🚢 o-17", "o\n17", "\x1b[2J", "-write", "--", "..", "%2e", "' OR 1=1 --", "\u202eabc", strings.Repeat("o", store.MaxIDLength), " ", "ö",
}

// Each command finds an instance by any id, whatever is in it, and prints nothing that changes what else is printed.
func TestHostileIDs(t *testing.T) {
	onStores(t, func(b *bench) {
		client, stop := b.run(&shop{}, "web-1/7", store.SystemClock{})
		for n, id := range hostileIDs {
			out, err := client.Create(b.Context(), order.Create{OrderID: id, CartID: fmt.Sprint("🛒 = ", n), Email: "a@b.c", Card: "4242", Items: []order.Item{{Sku: "ink", Quantity: 1, PriceCents: 9007199254740993}}})
			if err != nil || !out.Accepted() {
				b.Fatalf("%q: got %+v, %v", id, out, err)
			}
			b.eventually("paid", "show", "order/"+id)
		}
		stop()
		other := filepath.Join(b.TempDir(), "copy.db")
		copied, err := sqlite.Open(b.Context(), other)
		if err != nil {
			b.Fatal(err)
		}
		defer copied.Close()
		b2 := &bench{T: b.T, store: copied, flags: []string{"-store", other}}
		harmless := func(text string) {
			b.Helper()
			if strings.ContainsAny(text, "\x1b\u202e") {
				b.Errorf("it prints control characters: %q", text)
			}
		}
		for n, id := range hostileIDs {
			name := "order/" + id
			for _, args := range [][]string{{"show", name}, {"history", name}, {"history", "-payload", name}, {"why", name}, {"why", name, "1"}, {"watch", name}} {
				harmless(b.ironflow(exitOK, args...))
			}
			var event struct {
				Payload struct {
					TotalCents json.Number `json:"total_cents"`
				}
			}
			first, _, _ := strings.Cut(b.ironflow(exitOK, "history", "-json", "-payload", name), "\n")
			if err := json.Unmarshal([]byte(first), &event); err != nil || event.Payload.TotalCents != "9007199254740993" {
				b.Errorf("%q: got %s, %v", id, first, err)
			}
			for _, args := range [][]string{{"find", "-json", "-id", "--", id}, {"find", "-json", "-workflow", "order", fmt.Sprint("cart_id=🛒 = ", n)}} {
				var found store.InstanceSummary
				line, _, _ := strings.Cut(b.findFlags(args), "\n")
				if err := json.Unmarshal([]byte(line), &found); err != nil || !strings.HasPrefix(found.Key.ID, id) || args[2] == "-workflow" && found.Key.ID != id {
					b.Errorf("%q: got %q, %v", args, line, err)
				}
			}
			lines, _, _ := strings.Cut(b.ironflow(exitOK, "export", name), "ironflow: exported 1 ")
			b2.want(b2.feed(exitOK, lines, "import", "-write", "-reason", "a copy"), "imported 1 instances")
			if again, _, _ := strings.Cut(b2.ironflow(exitOK, "export", name), "ironflow: exported 1 "); again != lines {
				b.Errorf("%q: the copy is\n%s, not\n%s", id, again, lines)
			}
		}
		for _, args := range [][]string{{"list"}, {"stuck", "-for", "1ms"}, {"dead"}, {"audit"}} {
			text := b.ironflow(exitOK, args...)
			if harmless(text); strings.Count(text, "\n") > len(hostileIDs)+1 {
				b.Errorf("%q prints more lines than there are rows:\n%s", args, text)
			}
		}
		b.want(b.ironflow(exitUsage, "show", "order/"+strings.Repeat("o", store.MaxIDLength+1)), "512")
		b.want(b.ironflow(exitUsage, "show", "order/\xff"), "UTF-8")
	})
}

// findFlags runs a command line whose last argument may look like a flag.
func (b *bench) findFlags(args []string) string {
	b.Helper()
	var out, errs bytes.Buffer
	args = append(args[:1:1], append(b.flags[:len(b.flags):len(b.flags)], args[1:]...)...)
	if code := Run(b.Context(), args, strings.NewReader(""), &out, &errs); code != exitOK {
		b.Errorf("%q: exit code %d, %s", args, code, &errs)
	}
	return out.String()
}

// Payloads of 4 MiB are exported, imported and shown completely.
func TestLargePayloads(t *testing.T) {
	onStores(t, func(b *bench) {
		client, stop := b.run(&shop{}, "web-1/7", store.SystemClock{})
		sku := strings.Repeat("ü<\x01", (4<<20-4096)/9) // as JSON: 2 + 1 + 6 bytes
		out, err := client.Create(b.Context(), order.Create{OrderID: "o-1", CartID: "c", Email: "a@b.c", Card: "4242", Items: []order.Item{{Sku: sku, Quantity: 1, PriceCents: 9}}})
		if err != nil || !out.Accepted() {
			b.Fatalf("got %+v, %v", out, err)
		}
		b.eventually("paid", "show", "order/o-1")
		stop()
		var event struct{ Payload order.Created }
		first, _, _ := strings.Cut(b.ironflow(exitOK, "history", "-json", "-payload", "order/o-1"), "\n")
		if err := json.Unmarshal([]byte(first), &event); err != nil || event.Payload.Items[0].Sku != sku {
			b.Errorf("%d bytes, %v", len(first), err)
		}
		if text := b.ironflow(exitOK, "history", "-payload", "order/o-1"); len(text) > 4096 {
			b.Errorf("a table has %d bytes", len(text))
		}
		other := filepath.Join(b.TempDir(), "copy.db")
		copied, err := sqlite.Open(b.Context(), other)
		if err != nil {
			b.Fatal(err)
		}
		defer copied.Close()
		lines, _, _ := strings.Cut(b.ironflow(exitOK, "export", "order/o-1"), "ironflow: exported 1 ")
		b2 := &bench{T: b.T, store: copied, flags: []string{"-store", other}}
		b2.want(b2.feed(exitOK, lines, "import", "-write", "-reason", "a copy"), "imported 1 instances")
		if again, _, _ := strings.Cut(b2.ironflow(exitOK, "export", "order/o-1"), "ironflow: exported 1 "); again != lines {
			b.Errorf("the copy has %d bytes, not %d", len(again), len(lines))
		}
	})
}

// What no program knows, and what nothing knows, is said as it is.
func TestUnknown(t *testing.T) {
	onStores(t, func(b *bench) {
		key, past := store.InstanceKey{Workflow: "gone", ID: "g-1"}, time.Now().Add(-time.Hour)
		change := store.Change{Instance: key, Now: past, Due: past, Status: "lost",
			Events:  []store.NewEvent{{Type: "Vanished", SchemaVersion: 9, Payload: []byte(`{}`), Cause: []byte(`{"input":"Vanish"}`)}},
			Effects: []store.NewEffect{{Kind: "Haunt", Payload: []byte(`{}`)}}}
		if err := b.store.Append(b.Context(), store.Batch{Commit: 1, Changes: []store.Change{change}}); err != nil {
			b.Fatal(err)
		}
		b.want(b.ironflow(exitOK, "show", "gone/g-1"), "lost", "Haunt", "due")
		b.want(b.ironflow(exitOK, "history", "gone/g-1"), "Vanished")
		b.want(b.ironflow(exitOK, "why", "gone/g-1"), "gone/g-1")
		b.want(b.ironflow(exitFound, "why", "gone/g-1", "7"), "7")
		b.want(b.ironflow(exitFound, "health"), "no running program delivers the effect Haunt of workflow gone")
		b.want(b.ironflow(exitFound, "stuck"), "gone/Haunt: no program runs on this store")
		b.want(b.ironflow(exitOK, "dead", "-workflow", "gone"), "DIED")
		b.want(b.ironflow(exitOK, "retry", "-write", "-reason", "x", "-kind", "Nothing"), "retried 0")
		b.want(b.ironflow(exitUsage, "retry", "-write", "-reason", "x", "-queue", "letters"), "letters")
		b.want(b.ironflow(exitFound, "pause", "-write", "-reason", "x", "ghost"), `no workflow "ghost"`)
		b.ironflow(exitOK, "pause", "-write", "-reason", "x", "gone") // its instances are here
		b.want(b.ironflow(exitOK, "list", "-workflow", "ghost"), "INSTANCE")
		b.want(b.ironflow(exitOK, "audit", "-by", "nobody"), "WHEN")
		b.want(b.ironflow(exitUsage, "list", "-cursor", "rubbish"), "the cursor")
		b.want(b.ironflow(exitUsage, "why", "gone/g-1", "first"), "not a version")
	})
}

// A database that is read-only can be looked at. What would change it fails and says why.
func TestReadOnlyDatabase(t *testing.T) {
	t.Parallel()
	onPostgres(t, func(b *bench) {
		client, stop := b.run(&shop{broken: true}, "web-1/7", frozen{now: time.Now()})
		b.create(client)
		b.eventually("certificate expired", "dead")
		stop()
		separator := "?"
		if strings.Contains(b.flags[1], "?") {
			separator = "&"
		}
		b.flags = append([]string{}, b.flags...)
		b.flags[1] += separator + "default_transaction_read_only=on"
		b.want(b.ironflow(exitOK, "dead"), "certificate expired")
		for _, args := range [][]string{
			{"retry", "-kind", "ChargeCard"}, {"discard", "-kind", "ChargeCard"}, {"pause", "order"}, {"forget", "c-7"},
		} {
			b.want(b.ironflow(exitStore, append(args, "-write", "-reason", "x")...), "read-only")
		}
		b.want(b.ironflow(exitOK, "dead"), "certificate expired")
		if text := b.ironflow(exitOK, "audit"); strings.Count(text, "\n") != 1 {
			b.Errorf("something is recorded:\n%s", text)
		}
	})
}

// Two operators who do the same at once do it once: each dead letter is retried by one of them, and the audit log has who.
func TestTwoOperators(t *testing.T) {
	const orders, operators = 30, 4
	onStores(t, func(b *bench) {
		client, stop := b.run(&shop{broken: true}, "web-1/7", frozen{now: time.Now()})
		for n := range orders {
			out, err := client.Create(b.Context(), order.Create{OrderID: fmt.Sprint("o-", n), CartID: fmt.Sprint(n), Email: "a@b.c", Card: "4242", Items: []order.Item{{Sku: "ink", Quantity: 1, PriceCents: 900}}})
			if err != nil || !out.Accepted() {
				b.Fatalf("got %+v, %v", out, err)
			}
		}
		dead := func() int { return strings.Count(b.ironflow(exitOK, "dead"), "ChargeCard") }
		for deadline := time.Now().Add(20 * time.Second); dead() < orders && time.Now().Before(deadline); {
			time.Sleep(10 * time.Millisecond)
		}
		stop()
		together := func(args ...string) (said []string) {
			said = make([]string, operators)
			var all sync.WaitGroup
			for n := range operators {
				all.Go(func() {
					said[n] = b.ironflow(exitOK, append(args, "-write", "-reason", "together", "-as", fmt.Sprint("operator ", n))...)
				})
			}
			all.Wait()
			return said
		}
		sum := func(said []string, format string) (sum int) {
			for _, text := range said {
				var n int
				if _, err := fmt.Sscanf(text, format, &n); err != nil {
					b.Errorf("%q: %v", text, err)
				}
				sum += n
			}
			return sum
		}
		if n := sum(together("retry", "-kind", "ChargeCard"), "retried %d dead letters"); n != orders || dead() != 0 {
			b.Errorf("%d were retried, and %d are left", n, dead())
		}
		audited := 0
		for line := range strings.Lines(b.ironflow(exitOK, "audit", "-operation", "retry", "-json")) {
			var r store.AuditRecord
			if err := json.Unmarshal([]byte(line), &r); err != nil || r.Reason != "together" || !strings.HasPrefix(r.By, "operator ") {
				b.Errorf("got %s, %v", line, err)
			}
			audited += int(r.Count)
		}
		if audited != orders {
			b.Errorf("the audit log has %d of %d", audited, orders)
		}

		together("pause", "order")
		together("resume", "order")
		first := 0
		for _, text := range together("forget", "c-7") {
			first += strings.Count(text, "c-7 is forgotten")
		}
		if first < 1 {
			b.Error("nobody has forgotten the subject")
		}
		if n := strings.Count(b.ironflow(exitOK, "audit", "-operation", "forget"), "c-7"); n != 1 {
			b.Errorf("it is forgotten %d times", n)
		}
	})
}
