# make          lint and test
# make test     the tests; touches no network outside this machine
# make lint     static checks, generated files are fresh
# make docs     write the generated docs
# make bench    benchmarks, and the whole process beside a bare Go client
# make browser  the pages in Chromium (needs Node 20, npm and chromium)
# make interop  the real OAuth servers on loopback (needs Node 20 and npm), and promtool
# make deploy   the recipes of docs/deploy (needs Node 20, npm, git and systemd-analyze)

GOLANGCI_LINT_VERSION := v2.12.2
BIN := $(CURDIR)/bin

.PHONY: all test lint docs bench interop deploy browser screenshots build clean

all: lint test

build:
	go build -trimpath -o $(BIN)/authspec ./cmd/authspec

test:
	go test -race -timeout 20m ./...

# tidy -e: a module that only a dependency's tests import is not served everywhere.
lint: $(BIN)/golangci-lint-$(GOLANGCI_LINT_VERSION)
	go mod tidy -e -diff
	$(BIN)/golangci-lint-$(GOLANGCI_LINT_VERSION) run ./...
	cd docs/deploy/verify && $(BIN)/golangci-lint-$(GOLANGCI_LINT_VERSION) run --config $(CURDIR)/.golangci.yml ./...
	go run ./cmd/authspec lint
	go run ./cmd/authspec steps --markdown | diff -u docs/steps.md - || (echo 'docs/steps.md is stale: make docs' && false)
	go run ./cmd/authspec providers --markdown | diff -u docs/providers.md - || (echo 'docs/providers.md is stale: make docs' && false)

docs:
	go run ./cmd/authspec steps --markdown > docs/steps.md
	go run ./cmd/authspec providers --markdown > docs/providers.md

bench:
	go test -run '^$$' -bench . -benchtime 100ms -benchmem ./...
	go run ./internal/bench

interop: $(BIN)/promtool
	npm ci --prefix interop --no-audit --no-fund
	go test -race -tags interop -timeout 20m ./interop

deploy:
	npm ci --prefix docs/deploy/verify --no-audit --no-fund
	cd docs/deploy/verify && go test -timeout 10m ./...

browser:
	npm ci --prefix browser --no-audit --no-fund
	npm test --prefix browser
	cd browser && node screenshots.mjs

screenshots:
	npm ci --prefix browser --no-audit --no-fund
	npm run screenshots --prefix browser

$(BIN)/golangci-lint-$(GOLANGCI_LINT_VERSION):
	GOBIN=$(BIN) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv $(BIN)/golangci-lint $@

# From Debian's package, without its service.
$(BIN)/promtool:
	mkdir -p $(BIN)/prometheus
	if command -v promtool; then ln -s "$$(command -v promtool)" $@; else \
	  cd $(BIN)/prometheus && apt-get download prometheus && dpkg -x prometheus_*.deb . && mv usr/bin/promtool $@; fi
	rm -rf $(BIN)/prometheus

clean:
	rm -rf $(BIN) interop/node_modules browser/node_modules browser/out docs/deploy/verify/node_modules
