package runtime_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/httpapi"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
)

// A process is ready while its store answers, and until Run ends.
func TestReady(t *testing.T) {
	onStores(t, func(b *bed) {
		store := &faulty{Store: b.store}
		engine := b.engineOn(store, b.realConfig(), tickets(ticket.Decider{}, ticket.Handler{}))
		probe := func(path string) int {
			w := httptest.NewRecorder()
			httpapi.NewHealthHandler(engine).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			return w.Code
		}
		check := func(when string, ready bool) {
			b.Helper()
			want := http.StatusOK
			if !ready {
				want = http.StatusServiceUnavailable
			}
			if err := engine.Ready(b.Context()); (err == nil) != ready {
				b.Errorf("%s: Ready says %v", when, err)
			}
			if got := probe("/readyz"); got != want {
				b.Errorf("%s: /readyz answers %d, want %d", when, got, want)
			}
			if got := probe("/healthz"); got != http.StatusOK {
				b.Errorf("%s: /healthz answers %d", when, got)
			}
		}
		check("before Run", true)
		stop := b.run(engine)
		b.eventually("Run runs", func() bool { return b.health(engine).Running })
		check("while Run runs", true)
		store.setBegin(func() error { return errDown })
		check("while the store is down", false)
		wantError(b, engine.Ready(b.Context()), errDown.Reason)
		store.setBegin(nil)
		check("when the store is back", true)
		if err := stop(); err != nil {
			b.Fatal(err)
		}
		check("after Run", false)
		if got := probe("/other"); got != http.StatusNotFound {
			b.Errorf("/other answers %d", got)
		}
	})
}
