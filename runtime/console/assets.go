package console

import (
	"crypto/sha256"
	_ "embed" // for the two files
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/ironflow-gen/ironflow/internal/statechart/svg"
)

//go:embed style.css
var styleText string

//go:embed script.js
var scriptText string

// asset is a file that pages load.
type asset struct{ name, kind, text, hash string }

func newAsset(name, kind, text string) *asset {
	sum := sha256.Sum256([]byte(text))
	return &asset{name, kind, text, hex.EncodeToString(sum[:6])}
}

// The styles of diagrams are those of "ironflow-gen diagram", for the elements of a diagram only.
var (
	styleAsset  = newAsset("style.css", "text/css; charset=utf-8", styleText+"svg.machine {"+svg.Style+"}\n")
	scriptAsset = newAsset("script.js", "text/javascript; charset=utf-8", scriptText)
)

// address is the address that pages use. The hash is a parameter, so that a server of another version answers, too.
func (a *asset) address() string { return "./" + a.name + "?v=" + a.hash }

// serveAsset answers a request for an asset. A browser keeps what it has asked for by its hash.
func serveAsset(w http.ResponseWriter, r *http.Request, name string) bool {
	for _, a := range []*asset{styleAsset, scriptAsset} {
		if a.name != name {
			continue
		}
		if r.URL.Query().Get("v") == a.hash {
			w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
		}
		w.Header().Set("Content-Type", a.kind)
		if r.Method != http.MethodHead {
			_, _ = strings.NewReader(a.text).WriteTo(w) // the browser is gone
		}
		return true
	}
	return false
}
