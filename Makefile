# make demo    generate the example and run it; needs no database
# make test    everything CI checks: format, vet, lint, generated code, race tests on both stores, examples
# make bench   how fast it is; starts a PostgreSQL of its own

# Modules of their own, which CI treats like the rest.
OTEL = runtime/otel
TOOLS = internal/migrationtools

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: demo test fmt vet lint generated race examples bench postgres

demo:
	go generate ./examples/order/...
	go run ./examples/order

test: fmt vet lint generated race

fmt:
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then \
		echo "not formatted; run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	@go run ./cmd/ironflow-gen fmt -d ./...

vet:
	go vet ./...
	go -C $(OTEL) vet ./...
	go -C $(TOOLS) vet ./...
	go run ./cmd/ironflow-gen vet ./...

lint:
	go run $(STATICCHECK) ./...
	cd $(OTEL) && go run $(STATICCHECK) ./...
	cd $(TOOLS) && go run $(STATICCHECK) ./...

# Generated files must be what the generator writes today.
generated:
	go generate ./...
	@stale=$$(git status --porcelain -- '*_ironflow.go' '*_ironflow_test.go'); if [ -n "$$stale" ]; then \
		echo "generated code was not up to date; commit what go generate wrote:"; echo "$$stale"; exit 1; fi

race: postgres
	go test -race -timeout 15m ./...
	go -C $(OTEL) test -race -timeout 5m ./...
	go -C $(TOOLS) test -timeout 5m ./...

# The examples as users run them, on both stores; they are among the race tests, too.
examples: postgres
	go test -count=1 -timeout 10m -v -run TestEachEndsByItself ./examples

bench: postgres
	go run ./bench -quick

# The tests start a server of their own, from the binaries of the local installation.
postgres:
	@.ci/postgres
