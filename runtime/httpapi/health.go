package httpapi

import (
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
)

// NewHealthHandler returns a handler for the probes of an orchestrator such as Kubernetes:
//
//	GET /healthz   200 while the process can answer. It does not depend on the database: a restart would not repair that
//	GET /readyz    200 if Engine.Ready succeeds, otherwise 503: send no requests to this process now
//
// The answers are JSON objects, {"status":"ok"} or {"status":"unavailable"}; the reason is only in the log. Other paths are answered with
// 404. The handler does not authenticate callers.
func NewHealthHandler(engine *runtime.Engine) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeHealth(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := engine.Ready(r.Context()); err != nil {
			slog.WarnContext(r.Context(), "ironflow: this process is not ready", "error", usererr.Bound(err.Error()))
			writeHealth(w, http.StatusServiceUnavailable, "unavailable")
			return
		}
		writeHealth(w, http.StatusOK, "ok")
	})
	return mux
}

func writeHealth(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"status": text}) // the client has gone
}
