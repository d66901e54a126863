package console

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/internal/plain"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

//go:embed pages
var pageFiles embed.FS

// templates has a template for each page, and "frame", which is around them.
var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"at": shownTime, "machine": machineTime, "second": secondTime, "link": link, "lower": strings.ToLower, "count": countOf, "short": plain.Short, "hint": hint,
	"one":  func(text any) string { return oneLine(cutText(fmt.Sprint(text), 2000)) }, // errors and reasons may have megabytes
	"long": func(text any) string { return oneLine(cutText(fmt.Sprint(text), 100_000)) },
}).ParseFS(pageFiles, "pages/*.html"))

// view is one request for a page.
type view struct {
	console *console
	ctx     context.Context
	w       http.ResponseWriter
	r       *http.Request
	access  Access
	name    string
	query   url.Values // of the address, each parameter once
	now     time.Time
	shown   int      // bytes of payloads
	missing []string // cells that did not answer
}

// payloadsOfPage is how many bytes of payloads a page shows.
const payloadsOfPage = 128 << 10

// frame is what the template around each page shows.
type frame struct {
	Title  string
	Name   string // of the page
	Access Access
	Now    time.Time
	Done   string // what was just changed
	Pages  []tab
	Sheet  string // addresses of the style and of the script
	Script string
	Can    func(role string) bool
	Page   any

	Missing []string // cells that did not answer
}

// tab is a page in the list of pages.
type tab struct{ Path, Template, Title string }

var tabs = []tab{
	{"", "start", "Overview"}, {"instances", "instances", "Instances"}, {"stuck", "stuck", "Stuck"}, {"dead", "dead", "Dead letters"},
	{"schedules", "schedules", "Schedules"}, {"projections", "projections", "Projections"}, {"workflows", "workflows", "Workflows"},
	{"programs", "programs", "Programs"}, {"audit", "audit", "Audit"},
}

// render answers with a page.
func (v *view) render(status int, name, title string, content any) error {
	f := frame{
		Title: title, Name: name, Access: v.access, Now: v.now, Sheet: styleAsset.address(), Script: scriptAsset.address(), Page: content,
		Can: v.can, Done: v.done(), Pages: tabs, Missing: v.missing,
	}
	var body, out bytes.Buffer
	if err := templates.ExecuteTemplate(&body, name+".html", f); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	err := templates.ExecuteTemplate(&out, "frame.html", struct {
		frame
		Body template.HTML
	}{f, template.HTML(body.String())}) //nolint:gosec // the template has escaped it
	if err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(out.Bytes()) // the browser is gone
	return nil
}

// partly reports that there is an answer: of all cells of a cells.Router, or of some.
func partly(err error) bool {
	_, lacks := err.(*store.Incomplete) //nolint:errorlint // joined with others, it is one of them
	return err == nil || lacks
}

// partly lets a page be shown without what some cells of a cells.Router have, and names them on it. It returns all other errors.
func (v *view) partly(err error) error {
	if lacks, is := err.(*store.Incomplete); is { //nolint:errorlint // joined with others, it is one of them
		v.missing = lacks.Cells
		v.console.config.Logger.WarnContext(v.ctx, "ironflow: console: a page lacks what some cells have", "page", v.name, "error", lacks.Err)
		return nil
	}
	return err
}

// can reports whether the reader has a role.
func (v *view) can(role string) bool {
	return v.access.Role.String() == role || v.access.Role == Admin && role == "operator"
}

// done is the note of a change that was just made. Only numbers and names of changes come from the address.
func (v *view) done() string {
	if v.query.Get("done") == "send" {
		return "The input was sent, and the program accepted it."
	}
	c, known := changes[v.query.Get("done")]
	n := v.number("n", 0)
	switch {
	case !known:
		return ""
	case n == 0 && c.already != nil:
		return "Nothing was changed, because that was done before. Your reason was not stored."
	}
	return c.done(n)
}

// fail answers with an error as a page.
func (v *view) fail(err error) {
	f := v.explained(err)
	if wrong := v.render(f.status, "error", http.StatusText(f.status), f.text); wrong != nil {
		v.console.config.Logger.ErrorContext(v.ctx, "ironflow: console: a page could not be written", "page", v.name, "error", wrong)
		refuse(v.w, f.text, f.status)
	}
}

// lead leads to another page. The address stays relative, because the path that the browser asked for may be another one than this server sees.
func (v *view) lead(address string) {
	v.w.Header().Set("Location", address)
	v.w.WriteHeader(http.StatusSeeOther)
}

// single returns an error for parameters that are given several times: one of them might say less than the others.
func single(parameters url.Values) error {
	for name, values := range parameters {
		if len(values) > 1 {
			return &failure{http.StatusBadRequest, fmt.Sprintf("The parameter %q is given %d times.", cutText(name, 50), len(values))}
		}
	}
	return nil
}

// parameters reads the query of the address. What cannot be read is an error, because a change without it might be about more.
func parameters(rawQuery string) (url.Values, error) {
	q, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, &failure{http.StatusBadRequest, "The parameters of the address cannot be read."}
	}
	return q, single(q)
}

// form reads a form that was sent, of at most so many bytes.
func (v *view) form(most int64) (url.Values, error) {
	if kind, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, &failure{http.StatusUnsupportedMediaType, "This is not a form of the console."}
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, most)
	if err := v.r.ParseForm(); err != nil {
		if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
			return nil, &failure{http.StatusRequestEntityTooLarge, fmt.Sprintf("The form has more than %d bytes.", most)}
		}
		return nil, &failure{http.StatusBadRequest, "The form could not be read."}
	}
	return v.r.PostForm, single(v.r.PostForm)
}

// key is the instance that the address names.
func (v *view) key() store.InstanceKey {
	return store.InstanceKey{Workflow: v.query.Get("workflow"), ID: v.query.Get("id")}
}

// number is a number of the address.
func (v *view) number(name string, otherwise int64) int64 {
	var n int64
	if _, err := fmt.Sscanf(v.query.Get(name), "%d", &n); err != nil || n < 0 {
		return otherwise
	}
	return n
}

// payload is what somebody with this access may see of a payload.
func (v *view) payload(workflow, kind string, payload []byte) string {
	switch {
	case !v.access.Payloads:
		return ""
	case v.console.config.Redact != nil:
		payload = v.console.redact(workflow, kind, payload)
	}
	if v.shown > payloadsOfPage {
		return fmt.Sprintf("not shown: the fields before have more than %d bytes", payloadsOfPage)
	}
	const most = 16 << 10
	v.shown += min(most, len(payload))
	if len(payload) > most {
		return strings.ToValidUTF8(string(payload[:most]), "\uFFFD") + fmt.Sprintf("… (the first %d bytes of %d)", most, len(payload))
	}
	return strings.ToValidUTF8(string(payload), "\uFFFD")
}

// redact asks the user's function. If it panics, the payload is not shown.
func (c *console) redact(workflow, kind string, payload []byte) (shown []byte) {
	defer func() {
		if p := recover(); p != nil {
			c.config.Logger.Error("ironflow: console: Config.Redact panicked", "workflow", workflow, "error", fmt.Errorf("%s: %v", kind, p))
			shown = []byte("not shown, because Config.Redact panicked")
		}
	}()
	return c.config.Redact(workflow, kind, bytes.Clone(payload))
}

// link is the address of a page with parameters, given as names and values. Empty texts and the number 0 are left out; the text "0" is not.
func link(page string, parameters ...any) string {
	q := make(url.Values)
	for i := 0; i+1 < len(parameters); i += 2 {
		if value := fmt.Sprint(parameters[i+1]); value != "" && parameters[i+1] != any(0) {
			q.Set(fmt.Sprint(parameters[i]), value)
		}
	}
	if len(q) > 0 {
		page += "?" + q.Encode()
	}
	return "./" + page
}

// shownTime is how long ago a time was, with the day if that was another one.
func shownTime(t, now time.Time) string {
	const day = 24 * time.Hour
	d := now.Sub(t)
	switch {
	case t.IsZero():
		return ""
	case d < -day:
		return "in " + plain.Short(-d) + t.UTC().Format(", Mon 2 Jan")
	case d < 0:
		return "in " + plain.Short(-d)
	case d < day:
		return plain.Short(d) + " ago"
	}
	return plain.Short(d) + t.UTC().Format(" ago, Mon 2 Jan")
}

// hint is a value of a type that is not written as everybody would guess.
func hint(kind string) string {
	switch strings.TrimSuffix(strings.TrimPrefix(kind, "optional<"), ">") {
	case "time":
		return "2026-12-31T23:59:59Z"
	case "duration":
		return "1h30m"
	case "decimal":
		return "12.50"
	case "bytes":
		return "aGVsbG8=, in base64"
	}
	return ""
}

// secondTime is a time to the second, for people.
func secondTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func machineTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// countOf shows a count that stops at a limit.
func countOf(n, limit int64) string {
	if limit > 0 && n >= limit {
		return fmt.Sprintf("%d or more", limit)
	}
	return fmt.Sprint(n)
}

// oneLine shows characters that move others, or are not seen, as escapes, so that a text looks like what it is.
func oneLine(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == '\n' {
			b.WriteRune(r)
		} else {
			plain.WriteRune(&b, r)
		}
	}
	return b.String()
}
