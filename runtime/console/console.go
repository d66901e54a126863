package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// Config tunes a console. The zero value is a good start; each zero field means its default.
type Config struct {
	// Access says who sends a request. An error is logged, and the answer is 500 without details. It must not take longer than a page may.
	// Default: Local.
	Access func(*http.Request) (Access, error)

	// Engine has the code of workflows: the *runtime.Engine of the same process. With it, operators can send inputs, and the page of
	// an instance shows what each event made of the state. Default: none; the console then knows only the store.
	Engine admin.Engine

	// Redact changes a payload before it is shown, but not an error, such as by removing what only few people may see. kind is the type of the event, the kind
	// of the effect, timer or dead letter, the type of the rejection, or empty for a state. What it returns is shown as text. Default:
	// payloads are shown as they are stored.
	Redact func(workflow, kind string, payload []byte) []byte

	Timeout time.Duration // limits what a page reads. Default: 5 s
	Logger  *slog.Logger  // gets errors of Access and of pages, without payloads. Default: slog.Default()
}

// console is the handler.
type console struct {
	admin  *admin.Admin
	config Config
	pages  map[string]page
	feed   hub

	figures *shared[telemetry.Health]
	counts  counts
	changes chan struct{} // has room for one who makes a change
}

// page answers the requests of one last segment of the path.
type page struct {
	role Role
	show func(*view) error
}

// maxForm is how many bytes a form may have.
const maxForm = 64 << 10

// New returns the console of a store. It starts no goroutine before somebody opens a page, and none is left soon after the last page is
// closed. It is safe for concurrent use. It panics if a is nil.
func New(a *admin.Admin, config Config) http.Handler {
	if a == nil {
		panic("console: the Admin is nil")
	}
	config.Timeout = cmp.Or(config.Timeout, 5*time.Second)
	config.Logger = cmp.Or(config.Logger, slog.Default())
	if config.Access == nil {
		config.Access = Local
	}
	c := &console{admin: a, config: config, figures: newShared[telemetry.Health](), changes: make(chan struct{}, 1)}
	c.feed.console = c
	c.pages = c.routes()
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		refuse(w, "this form comes from another site; if it does not, a proxy before this server changes the header Host", http.StatusForbidden)
	}))
	return protection.Handler(c)
}

// routes are the pages by the last segment of their path.
func (c *console) routes() map[string]page {
	return map[string]page{
		"": {Viewer, c.start}, "instances": {Viewer, c.instances}, "instance": {Viewer, c.instance}, "why": {Viewer, c.why},
		"dead": {Viewer, c.dead}, "stuck": {Viewer, c.stuck}, "projections": {Viewer, c.projections}, "programs": {Viewer, c.programs},
		"workflows": {Viewer, c.workflows}, "workflow": {Viewer, c.workflow}, "schedules": {Viewer, c.schedules},
		"audit": {Viewer, c.audit}, "change": {Operator, c.confirm}, "send": {Operator, c.sendForm}, "state": {Viewer, c.state},
	}
}

// ServeHTTP answers a request.
func (c *console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	access, err := c.access(r)
	switch {
	case err != nil:
		c.config.Logger.ErrorContext(r.Context(), "ironflow: console: who sends a request is not known", "error", err)
		refuse(w, "it could not be found out who you are; the log of the server says why", http.StatusInternalServerError)
		return
	case access.Role <= Nobody:
		refuse(w, "you may not see this console", http.StatusForbidden)
		return
	}
	name := lastSegment(r.URL.Path)
	switch asked, _, _ := strings.Cut(r.RequestURI, "?"); {
	case r.URL.Path == "" && !strings.HasSuffix(asked, "/"):
		redirectInto(w, asked)
		return
	case serveAsset(w, r, name):
		return
	case name == "live":
		c.feed.serve(w, r)
		return
	}
	v := &view{console: c, w: w, r: r, access: access, now: time.Now()}
	ctx, cancel := context.WithTimeout(r.Context(), c.config.Timeout)
	defer cancel()
	v.ctx = ctx
	p, known := c.pages[name]
	v.name = name
	v.query, err = parameters(r.URL.RawQuery)
	switch {
	case err != nil:
	case !known:
		err = &failure{http.StatusNotFound, fmt.Sprintf("There is no page %q.", name)}
	case access.Role < p.role:
		err = &failure{http.StatusForbidden, fmt.Sprintf("This needs the role %s; yours is %s.", p.role, access.Role)}
	case p.role > Viewer && access.Name == "":
		err = &failure{http.StatusForbidden, "The console does not know your name, which is stored with each change. Config.Access says it."}
	case r.Method == http.MethodPost && name == "change":
		err = c.change(v)
	case r.Method == http.MethodPost && name == "send":
		err = c.send(v)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		err = &failure{http.StatusMethodNotAllowed, "This page is only read."}
	default:
		err = p.show(v)
	}
	if err != nil {
		v.fail(err)
	}
}

// refuse answers with a line of text.
func refuse(w http.ResponseWriter, text string, status int) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // the browser is gone
}

// access asks for the access. A panic of the user's function is an error.
func (c *console) access(r *http.Request) (a Access, err error) {
	defer func() {
		if p := recover(); p != nil {
			a, err = Access{}, fmt.Errorf("Config.Access panicked: %v", p)
		}
	}()
	return c.config.Access(r)
}

// secure says what the browser may load, and that nobody else may show or keep it.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "+
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// lastSegment names the page. Paths that proxies have given another slash name the same page.
func lastSegment(urlPath string) string {
	if urlPath == "" || strings.HasSuffix(urlPath, "/") {
		return ""
	}
	return path.Base(urlPath)
}

// redirectInto leads from a path without its slash to the start page.
func redirectInto(w http.ResponseWriter, asked string) {
	w.Header().Set("Location", "./"+path.Base(asked)+"/")
	w.WriteHeader(http.StatusFound)
}

// failure is an error whose text is for the reader.
type failure struct {
	status int
	text   string
}

func (f *failure) Error() string { return f.text }

// explained turns an error of the store into what the reader should know.
func (v *view) explained(err error) *failure {
	var known *failure
	var instance *store.UnknownInstance
	var version *store.UnknownVersion
	var workflow *admin.UnknownWorkflow
	var projection *store.UnknownProjection
	var schedule *admin.UnknownSchedule
	var argument *store.InvalidArgument
	var identifier *store.InvalidIdentifier
	var unsupported *store.Unsupported
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &instance), errors.As(err, &version), errors.As(err, &workflow), errors.As(err, &projection), errors.As(err, &schedule):
		return &failure{http.StatusNotFound, firstUpper(err.Error())}
	case errors.As(err, &argument), errors.As(err, &identifier):
		return &failure{http.StatusBadRequest, firstUpper(err.Error())}
	case errors.As(err, &unsupported):
		return &failure{http.StatusNotImplemented, firstUpper(err.Error())}
	case errors.Is(err, store.ErrReadOnly):
		return &failure{http.StatusForbidden, "The store is open for reading only."}
	case v.r.Context().Err() != nil:
		return &failure{499, "The browser did not wait for the answer."}
	}
	v.console.config.Logger.ErrorContext(v.ctx, "ironflow: console: a page could not be read", "page", v.name, "error", err)
	if errors.Is(v.ctx.Err(), context.DeadlineExceeded) {
		return &failure{http.StatusGatewayTimeout, fmt.Sprintf("The store did not answer within %s. The log of the server says more.", v.console.config.Timeout)}
	}
	return &failure{http.StatusServiceUnavailable, "The store could not be read. The log of the server says why."}
}

func firstUpper(s string) string {
	s = strings.TrimPrefix(s, "ironflow: ")
	if s == "" {
		return s
	}
	if first, _, _ := strings.Cut(s, " "); strings.Contains(first, "/") { // the name of an instance stays as it is
		return s + "."
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
