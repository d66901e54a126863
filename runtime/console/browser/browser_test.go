package browser

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/memory"
	"github.com/chromedp/cdproto/page"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/console"
	"github.com/ironflow-gen/ironflow/runtime/ironflowtest/postgrestest"
	"github.com/ironflow-gen/ironflow/runtime/ironflowtest/sqlitetest"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

var (
	pictures  = flag.Bool("pictures", false, "write the pictures of the documentation")
	refreshes = flag.Int("refreshes", 1000, "how often the page that stays open asks for itself; 43200 for a day")
)

func TestMain(m *testing.M) { os.Exit(pgserver.Main(m)) }

// hostile is the id of an order. It must not run, nor turn what stands around it.
const hostile = "<img src=x onerror=window.owned=1>\"'\u202e"

// provider is a payment provider whose certificate is bad until it is mended.
type provider struct{ mended atomic.Bool }

func (p *provider) Charge(context.Context, order.Charge) error {
	if !p.mended.Load() {
		return runtime.Permanent(errors.New("the certificate of the bank expired"))
	}
	return nil
}

func (p *provider) SendReceipt(context.Context, string, string, int64) error { return nil }

// frozen is a clock that stands, so that no order times out.
type frozen struct {
	store.SystemClock
	now time.Time
}

func (f frozen) Now() time.Time { return f.now }

// desk is a shop with a console, and a browser in front of it.
type desk struct {
	*testing.T
	tab      context.Context
	provider *provider
	client   *order.Client
	address  string
}

// onStores opens a desk on each store that people run.
func onStores(t *testing.T, test func(d *desk)) {
	for name, open := range map[string]func(t *testing.T) store.Store{
		"sqlite":   func(t *testing.T) store.Store { return sqlitetest.Open(t) },
		"postgres": func(t *testing.T) store.Store { return postgrestest.Open(t) },
	} {
		t.Run(name, func(t *testing.T) { test(newDesk(t, open(t))) })
	}
}

func newDesk(t *testing.T, st store.Store) *desk {
	t.Helper()
	d := &desk{T: t, provider: new(provider)}
	quiet := slog.New(slog.DiscardHandler)
	clock := frozen{now: time.Now()}
	engine, err := runtime.NewEngine(st, runtime.Config{Name: "shop-1", Version: "v1.4.0", Logger: quiet, PollInterval: 20 * time.Millisecond, Clock: clock},
		order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{Gateway: d.provider, Mailer: d.provider}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- engine.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	d.client = order.NewClient(engine)
	for _, id := range []string{"o-17", hostile} {
		d.order(id)
	}
	a, err := admin.New(st, admin.Config{Logger: quiet, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/ops/console/", http.StripPrefix("/ops/console", console.New(a, console.Config{
		Logger: quiet, Engine: engine,
		Access: func(*http.Request) (console.Access, error) {
			return console.Access{Name: "ann", Role: console.Admin, Payloads: true, ClientInputs: true}, nil
		},
	})))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	d.address = server.URL + "/ops/console/"
	d.tab = newTab(t)
	return d
}

func (d *desk) order(id string) {
	d.Helper()
	out, err := d.client.Create(d.Context(), order.Create{
		OrderID: id, CartID: id, Email: "customer@example.com", Card: "4242", Items: []order.Item{{Sku: "ink", Quantity: 1, PriceCents: 900}},
	})
	if err != nil || !out.Accepted() {
		d.Fatalf("got %+v, %v", out, err)
	}
}

// newTab starts a browser without a window. What a page logs as an error fails the test: also what its policy refused.
func newTab(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Fatal("there is no Chromium; install one, as with: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.WindowSize(1200, 900))
	browser, closeBrowser := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(closeBrowser)
	tab, closeTab := chromedp.NewContext(browser)
	tab, cancel := context.WithTimeout(tab, 2*time.Minute+time.Duration(*refreshes)*100*time.Millisecond)
	t.Cleanup(cancel)
	messages := chromedp.Console(tab)
	read := make(chan struct{})
	t.Cleanup(func() { closeTab(); <-read })
	go func() {
		defer close(read)
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.IsException() || m.Type == "error" && m.Source != "network" { // an answer 404 is one of the network
				t.Errorf("the page logs %s", m)
			}
		}
	}()
	return tab
}

func (d *desk) do(actions ...chromedp.Action[chromedp.Void]) {
	d.Helper()
	if err := chromedp.Do(d.tab, actions...); err != nil {
		body, _ := chromedp.Run(d.tab, chromedp.Text("body"))
		d.Fatalf("%v, on the page\n%s", err, body)
	}
}

// ask evaluates an expression on the page.
func ask[T any](d *desk, expression string) T {
	d.Helper()
	value, err := chromedp.Run(d.tab, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		d.Fatalf("%s: %v", expression, err)
	}
	return value
}

// see waits until the page has a text, also while one page follows another.
func see(text string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		there := fmt.Sprintf("document.readyState === 'complete' && document.body.innerText.includes(%q)", text)
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			found, err := chromedp.Evaluate[bool](there)(ctx, t)
			switch {
			case err == nil && found:
				return none, nil
			case time.Now().After(deadline):
				return none, fmt.Errorf("%q is not seen, %v", text, err)
			}
		}
	}
}

// click follows the link or presses the button with a text.
func click(text string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(fmt.Sprintf(`//main//*[self::a or self::button][normalize-space()=%q]`, text))
}

// An incident is worked by clicking alone, from what needs somebody to the order that is paid.
func TestIncident(t *testing.T) {
	onStores(t, func(d *desk) {
		d.do(chromedp.Navigate(d.address), see("2 dead letters of order/ChargeCard"))
		d.picture("overview")
		d.do(click("2"), see("the certificate of the bank expired"), click("order/o-17"), see("What it waits for"), see("dead since"))
		d.picture("instance")
		d.provider.mended.Store(true)
		d.do(click("Retry ChargeCard"), see("1 of effect order/ChargeCard"))
		d.do(chromedp.SendKeys(`input[name="reason"]`, "the certificate is renewed"), click("Retry dead letters"), see("1 dead letter was put back into the queue."))
		d.do(chromedp.Navigate(d.address+"instance?workflow=order&id=o-17"), see("completed"), see("Paid"))
		d.do(chromedp.Navigate(d.address+"audit"), see("the certificate is renewed"), see("ann"))
		view, err := d.client.State(d.Context(), "o-17")
		if err != nil || view.State.Status != order.StatusPaid {
			d.Errorf("got %+v, %v", view, err)
		}
		for _, before := range []string{"What it waits for", "Dead letters"} { // a page that was sent before changes nothing by itself
			ask[bool](d, "history.back(), true")
			d.do(see(before))
		}
		d.do(chromedp.Reload(), see("As of"))
		if state, err := d.client.State(d.Context(), hostile); err != nil || state.Completed {
			d.Errorf("the other order: %+v, %v", state, err)
		}
	})
}

// pages are all pages.
func (d *desk) pages() []string {
	return []string{
		"", "instances", "instance?workflow=order&id=o-17", "why?workflow=order&id=o-17", "dead", "stuck?for=1ms", "schedules", "projections", "workflows",
		"workflow?name=order&count=1", "programs", "audit", "change?change=retry&workflow=order", "none",
		"send?workflow=order&id=o-17&input=Pay", "state?workflow=order&id=o-17&version=1",
	}
}

// What is stored is never run, on no page, and a page fits on a phone.
func TestHostileTextsAndPhones(t *testing.T) {
	onStores(t, func(d *desk) {
		d.do(chromedp.EmulateViewport(360, 740))
		for _, page := range d.pages() {
			d.do(chromedp.Navigate(d.address+page), see("As of"))
			if !ask[bool](d, "window.owned === undefined && document.querySelector('main img') === null") {
				d.Errorf("%s takes a text for markup", page)
			}
			if !ask[bool](d, "document.documentElement.scrollWidth <= window.innerWidth") {
				d.Errorf("%s does not fit", page)
			}
		}
	})
}

// An input is sent by a form, once, also by somebody who is impatient.
func TestSend(t *testing.T) {
	onStores(t, func(d *desk) {
		d.do(chromedp.Navigate(d.address+"instance?workflow=order&id=o-17"), see("awaiting_payment"), click("Pay in the client's place"), see("amount_cents"))
		d.do(chromedp.SendKeys(`textarea[name="field.amount_cents"]`, "1"), chromedp.SendKeys(`input[name="reason"]`, "cash"), click("Show what it would do"))
		d.do(see("The program would reject it: Underpaid"), see("missing_cents"))
		d.do(chromedp.Navigate(d.address+"send?workflow=order&id=o-17&input=Pay"), see("Show what it would do"))
		d.do(chromedp.SendKeys(`textarea[name="field.amount_cents"]`, "900"), chromedp.SendKeys(`input[name="reason"]`, "paid in cash"))
		d.do(click("Show what it would do"), see("The program would accept it"), see("SendReceipt"))
		d.picture("send")
		d.do(chromedp.DoubleClick(`//main//button[normalize-space()="Send Pay"]`), see("The input was sent"), see("paid_at"))
		for range 2 {
			ask[bool](d, "history.back(), true")
			d.do(chromedp.Sleep(100 * time.Millisecond))
		}
		view, err := d.client.State(d.Context(), "o-17")
		if err != nil || view.State.Status != order.StatusPaid || view.Version != 2 {
			d.Errorf("got %+v, %v", view, err)
		}
		d.do(chromedp.Navigate(d.address+"audit"), see("paid in cash"))
		d.do(chromedp.Navigate(d.address+"workflow?name=order"), see("1 instance"))
		d.picture("workflow")
		ask[bool](d, `location.href = document.querySelector('svg.machine a[href*="paid"]').href.baseVal, true`)
		d.do(see("order/o-17"))
	})
}

// A page that is open for a day, and follows the store all the time, grows neither in the browser nor in the server. It asks for itself at most
// once in two seconds, which is 43,200 times in a day. Here the clock of the page runs 1,000 times as fast, so it asks as often as it can. As in a day, a stream
// is opened again after two minutes of the page's time.
func TestOpenForADay(t *testing.T) {
	d := newDesk(t, sqlitetest.Open(t))
	const faster = 1000
	script := fmt.Sprintf(`(() => {
		const now = Date.now.bind(Date), began = now(), every = window.setInterval.bind(window), get = window.fetch.bind(window), Stream = window.EventSource;
		Date.now = () => began + (now() - began) * %[1]d;
		window.setInterval = (f, ms) => every(f, ms / %[1]d);
		window.asked = 0;
		window.fetch = (...a) => { window.asked++; return get(...a); };
		window.EventSource = class extends EventTarget {
			constructor(address) {
				super();
				this.real = new Stream(address);
				let opened = 0;
				every(() => {
					if (window.asked >= opened + 60) {
						opened = window.asked;
						this.real.close();
						this.real = new Stream(address);
					}
					this.dispatchEvent(new Event("stored"));
				}, 1);
			}
			get readyState() { return this.real.readyState; }
			close() { this.real.close(); }
		};
	})()`, faster)
	if _, err := chromedp.Call(d.tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script}); err != nil {
		t.Fatal(err)
	}
	d.do(chromedp.Navigate(d.address+"instance?workflow=order&id=o-17"), see("As of"))
	var first, last size
	for tenth := range 10 {
		last = d.sizeAfter((tenth + 1) * *refreshes / 10)
		t.Logf("%+v", last)
		if tenth == 0 {
			first = last
		}
	}
	if last.Heap > first.Heap+500_000 || last.Nodes > first.Nodes+1000 || last.Listeners > first.Listeners+20 {
		t.Errorf("the page grows from %+v to %+v", first, last)
	}
	if last.Goroutines > first.Goroutines+10 || last.Server > first.Server+4<<20 {
		t.Errorf("the server grows from %+v to %+v", first, last)
	}
}

// size is what a page and this process, which has the server, take after garbage was collected.
type size struct {
	Asked            int // how often the page has asked for itself
	Heap             int64
	Nodes, Listeners int64
	Goroutines       int
	Server           int64 // bytes
}

// sizeAfter waits until the page has asked for itself so often.
func (d *desk) sizeAfter(asked int) (s size) {
	d.Helper()
	for deadline := time.Now().Add(2*time.Minute + time.Duration(*refreshes)*100*time.Millisecond); ; time.Sleep(50 * time.Millisecond) {
		if s.Asked = ask[int](d, "window.asked"); s.Asked >= asked {
			break
		}
		if time.Now().After(deadline) {
			d.Fatalf("the page asked for itself %d times only", s.Asked)
		}
	}
	for range 3 {
		if _, err := chromedp.Call(d.tab, heapprofiler.CollectGarbage, cdp.Empty{}); err != nil {
			d.Fatal(err)
		}
	}
	heap, err := chromedp.Call(d.tab, cdpruntime.GetHeapUsage, cdp.Empty{})
	if err != nil {
		d.Fatal(err)
	}
	dom, err := chromedp.Call(d.tab, memory.GetDOMCounters, cdp.Empty{})
	if err != nil {
		d.Fatal(err)
	}
	goruntime.GC()
	var m goruntime.MemStats
	goruntime.ReadMemStats(&m)
	s.Heap, s.Nodes, s.Listeners = int64(heap.UsedSize), dom.Nodes, dom.JsEventListeners
	s.Goroutines, s.Server = goruntime.NumGoroutine(), int64(m.HeapAlloc)
	return s
}

// Everything can be reached without a mouse, and without script.
func TestKeyboard(t *testing.T) {
	d := newDesk(t, sqlitetest.Open(t))
	d.do(chromedp.Navigate(d.address), see("As of"), chromedp.KeyEvent("/"))
	if at := ask[string](d, "document.activeElement.id"); at != "find-id" {
		t.Errorf("the key / leads to %q", at)
	}
	ask[string](d, `document.activeElement.value = ""`) // what drives the browser types the slash all the same
	d.do(chromedp.KeyEvent("o-17"), chromedp.KeyEvent(kb.Enter), see("order/o-17"))
	d.do(chromedp.Navigate(d.address+"change?change=retry&workflow=order"), see("Reason"), chromedp.KeyEvent("by hand"), chromedp.KeyEvent(kb.Enter),
		see("2 dead letters were put back into the queue."))
	if _, err := chromedp.Call(d.tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	d.do(chromedp.Navigate(d.address+"dead"), chromedp.WaitVisible("main table"))
}

// An open page follows the store, without being loaded again, and not while it is paused.
func TestLivePage(t *testing.T) {
	d := newDesk(t, sqlitetest.Open(t))
	d.do(chromedp.Navigate(d.address+"instances"), see("Live"))
	ask[int](d, "window.mark = 1")
	d.order("o-18")
	d.do(see("order/o-18"))
	if !ask[bool](d, "window.mark === 1") {
		t.Error("the page was loaded again")
	}
	d.do(chromedp.Click("#live button"), see("Paused"))
	d.order("o-19")
	d.do(chromedp.Sleep(4 * time.Second))
	if ask[bool](d, `document.body.innerText.includes("order/o-19")`) {
		t.Error("a page that is paused changes")
	}
	d.do(chromedp.Click("#live button"), see("order/o-19")) // so it would have been seen
	// A table stays where the reader has scrolled it.
	if !ask[bool](d, `(() => {
		document.styleSheets[0].insertRule(".scroll table { width: 200vw }");
		const box = document.querySelector(".scroll");
		box.scrollLeft = 60;
		return box.scrollLeft === 60;
	})()`) {
		t.Fatal("the table is not wider than the page")
	}
	d.order("o-20")
	d.do(see("order/o-20"))
	if at := ask[int](d, `document.querySelector(".scroll").scrollLeft`); at != 60 {
		t.Errorf("the table is scrolled to %d", at)
	}
}

// axe-core finds nothing to complain of, in both themes. AXE is the file axe.min.js of the npm package axe-core.
func TestAccessible(t *testing.T) {
	script, err := os.ReadFile(os.Getenv("AXE"))
	if err != nil {
		t.Fatalf("AXE must name axe.min.js, as \"make browser\" does it: %v", err)
	}
	d := newDesk(t, sqlitetest.Open(t))
	for _, theme := range []string{"light", "dark"} {
		media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}}
		if _, err := chromedp.Call(d.tab, emulation.SetEmulatedMedia, media); err != nil {
			t.Fatal(err)
		}
		for _, page := range d.pages() {
			d.do(chromedp.Navigate(d.address+page), see("As of"))
			ask[bool](d, string(script)+"; true")
			found := ask[[]string](d, `axe.run().then(r => r.violations.map(v => v.id + ": " + v.nodes.map(n => n.html + " " + n.failureSummary).join(" | ")))`)
			for _, violation := range found {
				t.Errorf("%s, %s: %s", theme, page, violation)
			}
		}
	}
}

// picture keeps what the browser shows, when that is asked for.
func (d *desk) picture(name string) {
	if !*pictures || !strings.HasSuffix(d.Name(), "/sqlite") {
		return
	}
	png, err := chromedp.Run(d.tab, chromedp.FullScreenshot(100))
	if err != nil {
		d.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("..", "..", "..", "docs", "pictures", "console-"+name+".png"), png, 0o644); err != nil {
		d.Error(err)
	}
}
