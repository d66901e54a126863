package booking

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/httpapi"
)

// TestInternalInputs checks that HTTP has no way to an input that only a timer delivers, and that the engine and tests have.
func TestInternalInputs(t *testing.T) {
	h := open(t, runtime.Config{})
	if _, err := h.client.Request(h.Context(), request("b-1", "r")); err != nil {
		t.Fatal(err)
	}
	resp, body := h.do("/booking/inputs/Expire", `{"booking_id":"b-1"}`)
	if resp.StatusCode != http.StatusNotFound || !strings.Contains(body, `"unknown_input"`) {
		t.Errorf("the handler answers an internal input with %d %s", resp.StatusCode, body)
	}
	if resp, body = h.do("/booking/inputs/Leave", `{"booking_id":"b-1","type":"Expire"}`); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("the handler answers an internal input under another path with %d %s", resp.StatusCode, body)
	}
	_, err := httpapi.Send[ExpireEvent](h.Context(), &h.client.client, Expire{BookingID: "b-1"})
	wantError(t, err, http.StatusNotFound, httpapi.UnknownInput)

	if strings.Contains(openAPI, "/inputs/Expire") || strings.Contains(openAPI, `"ExpireOutcome"`) {
		t.Error("the OpenAPI document has an internal input")
	}
	for _, client := range []any{h.client, h.local} {
		if _, there := reflect.TypeOf(client).MethodByName("Expire"); there {
			t.Errorf("%T sends an internal input", client)
		}
	}
	if out, err := h.local.Internal().Expire(h.Context(), Expire{BookingID: "b-1"}); err != nil || !out.Accepted() {
		t.Errorf("got %v, %v", out, err)
	}
}
