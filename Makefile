# make demo    generate the example and run it; needs no database
# make console  examples under a steady load with the console over them, until it is interrupted
# make browser  the console in a browser; needs Chromium and npm. REFRESHES=43200 keeps a page open for a day's refreshes, in half an hour
# make quick   for in between: the tests that need no server and build no programs; what did not change is not run again. Left out:
#              PostgreSQL and with it failovers, the race detector, go vet, what compiles generated code and documentation as users
#              do, and the other modules
# make test    everything CI checks: format, vet, lint, generated code, race tests on both stores, examples, modules of benchmarks
# make bench   how fast it is; starts a PostgreSQL of its own
# make matrix  all tests that start a PostgreSQL, on each version of it, whose servers come from npm; VERSIONS names some
# make failover  torment the primary of a cluster of Patroni, 100 times; needs Debian's packages patroni and etcd-server; ROUNDS says how often
# make pictures  draw the pictures of the documentation
# make random  the generator against 1,000 random declarations, and 20,000 whose users have hostile names; DECLARATIONS, COMPILED and
#              NAMED say how many
# make fuzz    every fuzzer for 10 minutes; FUZZTIME says how long

# Modules of their own, which CI treats like the rest. That of Kafka starts a broker with java, whose jars it gets with mvn.
LIBRARIES = runtime/otel runtime/relay/jetstream runtime/relay/kafka
OPENAPI = gen/emit/internal/openapi

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

# Benchmarks that are modules of their own, whose tests say that they still work, and the dashboards. The generators that the second runs are
# only built when it is run.
MODULES = bench/peers bench/generators bench/relay runtime/otel/dashboards

DECLARATIONS ?= 1000
COMPILED ?= 20
NAMED ?= 20000
FUZZTIME ?= 10m
VERSIONS ?=
ROUNDS ?= 100

.PHONY: demo console browser pictures quick test fmt vet lint generated race modules examples bench random fuzz postgres matrix failover

demo:
	go generate ./examples/order/...
	go run ./examples/order

pictures:
	go generate ./docs/pictures

# What takes long or needs a server is skipped under -short, by the tests themselves and by internal/pgserver. Many of the rest wait more
# than they work, so more of them run at the same time than there are processors.
quick:
	go test -short -vet=off -parallel 8 ./...

test: fmt vet lint generated race modules

fmt:
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then \
		echo "not formatted; run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	@go run ./cmd/ironflow-gen fmt -d ./...

vet:
	go vet ./...
	@for module in $(LIBRARIES); do echo "go -C $$module vet"; go -C $$module vet ./... || exit 1; done
	go -C $(OPENAPI) vet ./...
	go run ./cmd/ironflow-gen vet ./...

lint:
	go run $(STATICCHECK) ./...
	@for module in $(LIBRARIES); do echo "staticcheck $$module"; (cd $$module && go run $(STATICCHECK) ./...) || exit 1; done
	cd $(OPENAPI) && go run $(STATICCHECK) ./...
	@for module in . $(LIBRARIES) $(OPENAPI); do go -C $$module mod tidy -diff || exit 1; done

# Generated files must be what the generator writes today.
generated:
	go generate ./...
	@stale=$$(git status --porcelain -- '*_ironflow.go' '*_ironflow_test.go' '*.ironflow.lock' 'docs/pictures'); if [ -n "$$stale" ]; then \
		echo "generated code was not up to date; commit what go generate wrote:"; echo "$$stale"; exit 1; fi

# The race detector does not look into SQLite, which is C translated to Go, and took nine tenths of the processor's time: one goroutine
# at a time uses a connection, and a second one would be seen in the driver and in the store. Nor does it look at the generator, whose
# only goroutines plan packages side by side; tests of gen/generate are repeated for them, but for one of several processes. Generated code is
# among the rest.
WATCHED = -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc/...=-race=false -gcflags=modernc.org/memory=-race=false
GENERATOR = go list ./gen/... ./cmd/... | grep -v /gen/emit/internal/

race: postgres
	go test $(WATCHED) -timeout 25m $$(go list ./... | grep -Fxv "$$($(GENERATOR))")
	go test $(WATCHED) -timeout 5m -short -skip TestTogether ./gen/generate ./gen/watch
	go test -timeout 25m $$($(GENERATOR))
	@for module in $(LIBRARIES); do echo "go -C $$module test"; go -C $$module test $(WATCHED) -timeout 5m ./... || exit 1; done
	go -C $(OPENAPI) test -timeout 5m ./...

modules:
	@for module in $(MODULES); do echo "go -C $$module vet and test"; \
		go -C $$module vet ./... && go -C $$module test -timeout 5m ./... || exit 1; done

# The examples as users run them, on both stores; they are among the race tests, too.
examples: postgres
	go test -count=1 -timeout 10m -v -run TestEachEndsByItself ./examples

bench: postgres
	go run ./bench -quick

matrix:
	@.ci/matrix $(VERSIONS)

failover: postgres
	go run ./bench/failover -rounds $(ROUNDS)

random:
	go test -count 1 -v -timeout 0 -run 'TestRandom(Declarations|Names)$$' ./gen/convert \
		-declarations $(DECLARATIONS) -compiled $(COMPILED) -named $(NAMED)

# An input that takes more than 10 seconds ends its fuzzer. What a fuzzer finds, it writes into testdata/fuzz beside it.
fuzz:
	@for fuzzer in gen/yamlspec:FuzzParse gen/gospec:FuzzDirectives gen/format:FuzzSource gen/scaffold:FuzzGrow \
		runtime/codec:FuzzDecoder runtime/codec:FuzzRoundTrip; do \
		echo "$$fuzzer"; \
		go test -run '^$$' -fuzz "^$${fuzzer#*:}$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 2s -timeout 0 ./$${fuzzer%:*} || exit 1; done

# The tests start a server of their own, from the binaries of the local installation.
postgres:
	@.ci/postgres

# Orders, trips and transfers under a steady load, with the console over them.
console:
	go run ./examples/console -for 0

# The console in a browser: Chromium, and axe-core from npm.
BROWSER = runtime/console/browser
REFRESHES ?= 1000
AXE = $(CURDIR)/$(BROWSER)/node_modules/axe-core/axe.min.js

browser:
	npm install --silent --no-save --prefix $(BROWSER) axe-core@4.14.1
	AXE=$(AXE) go -C $(BROWSER) test -timeout 90m ./... -refreshes $(REFRESHES)
