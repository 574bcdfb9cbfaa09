# Doorstep. `make run` starts the whole shop, `make test` proves it; both do all
# their set-up themselves.

SHELL    := /bin/bash
GO       ?= go
BIN      := bin/doorstep
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT   := $(shell git rev-parse HEAD 2>/dev/null)
LINT     := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
VULN     := golang.org/x/vuln/cmd/govulncheck@v1.9.0
SOURCES   = $(shell find . -name '*.go' -not -path './.*') $(shell find . -name '*.sql' -not -path './.*') go.mod go.sum

.PHONY: help run build test check faults bench real shardlint lint vulncheck openapi setup setup-browser clean

help: ## say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

run: setup build ## start the whole shop with demo data and print its addresses
	@$(BIN) demo

build: $(BIN) ## make bin/doorstep

$(BIN): $(SOURCES)
	@mkdir -p bin
	$(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)" -o $(BIN) ./cmd/doorstep

test: setup setup-browser ## every test, with a private PostgreSQL and a real browser
	$(GO) test -timeout 12m ./...

faults: setup setup-browser ## break everything that can break, for long, and print one table of what it came to
	@scripts/faults

check: setup setup-browser ## format, vet, lint, architecture, race tests, OpenAPI
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'run gofmt -w on these'; exit 1; }
	$(GO) vet ./...
	$(MAKE) lint
	$(GO) test -count=1 .
	$(GO) test -race -timeout 30m ./...
	@git diff --exit-code --stat -- docs/openapi.json || { echo 'docs/openapi.json has changed: look at it and commit it'; exit 1; }

lint: ## static checks
	$(GO) run $(LINT) run

vulncheck: ## known holes in what we use; needs its database
	$(GO) run $(VULN) ./...

bench: setup build ## measure, as ratios against floors of the same run
	@$(BIN) bench

real: setup build ## import a real retailer's catalogue and history and shop in it
	@scripts/real

shardlint: setup ## does the schema keep merchants apart?
	$(GO) test -count=1 -v -run TestShardlint ./migrations

openapi: ## write docs/openapi.json anew
	$(GO) test -count=1 -run TestTheDocumentIsTheContract ./cmd/doorstep -update

setup:
	@scripts/setup postgres

setup-browser:
	@scripts/setup browser

clean: ## remove what was built, not the data
	rm -rf bin
