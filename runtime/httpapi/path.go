package httpapi

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// encodedID is the beginning of a path segment with an id in base64url without padding. Muxes and proxies that clean paths do not
// change such a segment; they do change "//", "." and "..", escaped or not.
const encodedID = "~"

// idSegment returns an id as a path segment: the escaped id, or the encoded id if cleaning the path would change it.
func idSegment(id string) string {
	clean := "/x/" + id + "/y"
	if path.Clean(clean) == clean && !strings.HasPrefix(id, encodedID) {
		return url.PathEscape(id)
	}
	return encodedID + base64.RawURLEncoding.EncodeToString([]byte(id))
}

// idOf returns the id of a path segment, from idSegment or another program. ok is false if it cannot be an id.
func idOf(segment string) (id string, ok bool) {
	id, err := url.PathUnescape(segment)
	if err != nil {
		return "", false
	}
	if encoded, is := strings.CutPrefix(id, encodedID); is {
		decoded, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
		return string(decoded), err == nil && len(decoded) > 0
	}
	return id, id != ""
}

// checkID refuses an invalid id before it is sent, because without an id the path would have another meaning.
func checkID(id string) error {
	problem := ""
	switch {
	case id == "":
		problem = "is empty"
	case len(id) > store.MaxIDLength:
		problem = "is longer than store.MaxIDLength"
	case !utf8.ValidString(id):
		problem = "is not valid UTF-8"
	case strings.Contains(id, "\x00"):
		problem = "contains a NUL byte"
	default:
		return nil
	}
	return &runtime.InvalidIdentifier{What: store.InstanceID, Problem: problem}
}

// route has the handlers of one path, by method.
type route struct {
	get, post http.HandlerFunc
}

// find returns the route for the path of a request, and sets the path values. It uses the path as it was sent: an http.ServeMux
// would clean the path first, and change ids in it.
func (h *handler) find(r *http.Request) (found route) {
	segments := strings.Split(r.URL.EscapedPath(), "/")
	if len(segments) < 3 || segments[0] != "" || unescaped(segments[1]) != h.workflow.Name {
		return route{}
	}
	first, rest := segments[2], segments[3:]
	if len(rest) == 1 && unescaped(first) == "inputs" && unescaped(rest[0]) != "" {
		r.SetPathValue("input", unescaped(rest[0]))
		found.post = h.input
	}
	id, ok := idOf(first)
	if !ok {
		return found
	}
	switch {
	case len(rest) == 0 && id == first && h.reserved[first] != nil:
		found.get = h.reserved[first]
	case len(rest) == 0, len(rest) == 1 && rest[0] == "state":
		found.get = h.placed((*handler).state)
	case len(rest) == 1 && rest[0] == "history":
		found.get = h.placed((*handler).history)
	case len(rest) == 1 && rest[0] == "await":
		found.get = h.placed((*handler).await)
	case len(rest) == 1 && rest[0] == "events":
		found.get = h.placed((*handler).events)
	}
	r.SetPathValue("id", id)
	return found
}

func unescaped(segment string) string {
	text, err := url.PathUnescape(segment)
	if err != nil {
		return ""
	}
	return text
}

// handler returns the handler of a method, or nil and the allowed methods.
func (r route) handler(method string) (handle http.HandlerFunc, allowed string) {
	switch method {
	case http.MethodGet, http.MethodHead:
		handle = r.get
	case http.MethodPost:
		handle = r.post
	}
	var methods []string
	if r.get != nil {
		methods = append(methods, http.MethodGet, http.MethodHead)
	}
	if r.post != nil {
		methods = append(methods, http.MethodPost)
	}
	return handle, strings.Join(methods, ", ")
}
