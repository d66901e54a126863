package booking

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

const documentURL = "https://booking.example/openapi.json"

// checked compares what goes over the wire with the OpenAPI document: every answer, and every input that was accepted.
type checked struct {
	*testing.T
	next     http.RoundTripper
	document map[string]any
	compiler *jsonschema.Compiler
}

func newChecked(t *testing.T, next http.RoundTripper) *checked {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(openAPI))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource(documentURL, document); err != nil {
		t.Fatal(err)
	}
	return &checked{t, next, document.(map[string]any), c}
}

func (c *checked) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	resp, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	if pointer := c.operation(r); pointer != "" {
		if media := "application/json"; resp.Header.Get("Content-Type") == media {
			response := c.resolve(pointer + "/responses/" + strconv.Itoa(resp.StatusCode))
			c.validate(response+"/content/application~1json/schema", answer)
		}
		if r.Method == http.MethodPost && resp.StatusCode == http.StatusOK {
			c.validate(pointer+"/requestBody/content/application~1json/schema", body)
		}
	}
	return resp, nil
}

// operation points to the operation that a request is for, if it is in the document.
func (c *checked) operation(r *http.Request) string {
	paths, method := c.document["paths"].(map[string]any), strings.ToLower(r.Method)
	find := func(path string) string {
		if item, ok := paths[path].(map[string]any); ok && item[method] != nil {
			return "/paths/" + strings.ReplaceAll(path, "/", "~1") + "/" + method
		}
		return ""
	}
	if r.URL.Path == "/booking/openapi.json" {
		return ""
	}
	if exact := find(r.URL.Path); exact != "" {
		return exact
	}
	path := regexp.MustCompile(`^/booking/[^/]+(/history)?(/state)?$`).ReplaceAllString(r.URL.EscapedPath(), "/booking/{id}$1")
	return find(path)
}

// resolve follows a reference in the document that is none of a schema.
func (c *checked) resolve(pointer string) string {
	c.Helper()
	var at any = c.document
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		part = strings.ReplaceAll(part, "~1", "/")
		next, ok := at.(map[string]any)[part]
		if !ok {
			c.Errorf("the document has no %s", pointer)
			return pointer
		}
		at = next
	}
	if ref, ok := at.(map[string]any)["$ref"].(string); ok {
		return strings.TrimPrefix(ref, "#")
	}
	return pointer
}

func (c *checked) validate(pointer string, text []byte) {
	c.Helper()
	schema, err := c.compiler.Compile(documentURL + "#" + strings.ReplaceAll(strings.ReplaceAll(pointer, "{", "%7B"), "}", "%7D"))
	if err != nil {
		c.Errorf("%s: %v", pointer, err)
		return
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		c.Errorf("%s is not JSON: %v", text, err)
		return
	}
	if err := schema.Validate(value); err != nil {
		c.Errorf("%s is not as %s says: %v", text, pointer, err)
	}
}

// Every schema compiles, every reference leads somewhere, and each operation says what a path needs.
func TestDocument(t *testing.T) {
	t.Parallel()
	c := newChecked(t, nil)
	if c.document["openapi"] != "3.1.0" || c.document["info"].(map[string]any)["title"] != "booking" {
		t.Errorf("got %v, %v", c.document["openapi"], c.document["info"])
	}
	components := c.document["components"].(map[string]any)
	names := regexp.MustCompile(`^[a-zA-Z0-9._-]+$`)
	for name := range components["schemas"].(map[string]any) {
		if _, err := c.compiler.Compile(documentURL + "#/components/schemas/" + name); err != nil || !names.MatchString(name) {
			t.Errorf("schema %s: %v", name, err)
		}
	}
	operations := make(map[string]bool)
	for path, item := range c.document["paths"].(map[string]any) {
		for method, operation := range item.(map[string]any) {
			op := operation.(map[string]any)
			id, _ := op["operationId"].(string)
			if id == "" || operations[id] {
				t.Errorf("%s %s: operationId %q is empty or there twice", method, path, id)
			}
			operations[id] = true
			text, _ := json.Marshal(op["parameters"])
			if strings.Contains(path, "{id}") && !strings.Contains(string(text), `"in":"path","name":"id","required":true`) {
				t.Errorf("%s %s does not declare its id: %s", method, path, text)
			}
		}
	}
	for _, m := range regexp.MustCompile(`"\$ref": "#(.*)"`).FindAllStringSubmatch(openAPI, -1) {
		c.resolve(m[1])
	}
	// What a client can know of its input, it is told.
	properties := components["schemas"].(map[string]any)["Request"].(map[string]any)["properties"].(map[string]any)
	for _, name := range []string{"booking_id", "room"} { // the id and the unique key
		if field := properties[name].(map[string]any); field["minLength"] != json.Number("1") || field["maxLength"] != json.Number(strconv.Itoa(store.MaxIDLength)) {
			t.Errorf("%s: got %v", name, field)
		}
	}
	duration := regexp.MustCompile(properties["checkin_after"].(map[string]any)["pattern"].(string))
	for _, text := range []string{
		"0", "-0", "+0", "0s", "1m30s", "-1.5h", "+.5s", "1.s", "1h1h", "3ns4us5µs6μs7ms", "00.10h", "1", "", "s", ".s", "1 s", "1d", "1S", "--1s", "1s ", "1s\n", "00", "1.2.3s", "e1s", "1e3s",
	} {
		if _, err := time.ParseDuration(text); duration.MatchString(text) != (err == nil) {
			t.Errorf("%q: matches: %t, but the runtime says %v", text, duration.MatchString(text), err)
		}
	}
	if len(operations) != 8 {
		t.Errorf("got the operations %v", operations)
	}
}
