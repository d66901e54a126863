package httpapi_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/httpapi"
	"github.com/ironflow-gen/ironflow/runtime/memory"
)

// With "http: true" in the declaration, the generated NewHTTPHandler makes this call.
func ExampleNewHandler() {
	engine, err := runtime.NewEngine(memory.New(), runtime.Config{}, order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{}))
	if err != nil {
		log.Fatal(err)
	}
	_, err = order.NewClient(engine).Create(context.Background(),
		order.Create{OrderID: "o-1", CartID: "c-1", Items: []order.Item{{Sku: "tea", Quantity: 1, PriceCents: 700}}})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(httpapi.NewHandler(engine, httpapi.Workflow{
		Name: "order", Inputs: []httpapi.Input{{Name: "Pay", ID: "order_id"}}, Machine: order.Machine(),
	}))
	defer server.Close()

	for _, cents := range []int{650, 700} {
		body := fmt.Sprintf(`{"order_id": "o-1", "amount_cents": %d}`, cents)
		resp, err := http.Post(server.URL+"/order/inputs/Pay", "application/json", strings.NewReader(body))
		if err != nil {
			log.Fatal(err)
		}
		answer, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(resp.StatusCode, strings.Contains(string(answer), "Underpaid"))
	}
	// Output:
	// 409 true
	// 200 false
}
