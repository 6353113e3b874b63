# Clearance. `make` alone prints what there is.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c

# Where Go's own installer puts it, for a root shell that does not know.
export PATH := $(PATH):/usr/local/go/bin

GO ?= go
# One package never hangs the rest; the slowest, a boot of systemd, takes a minute.
TESTFLAGS ?= -race -timeout 10m
FUZZTIME ?= 10s
BENCHBIN = .cache/bench/bin
# The agent stays in memory for months: SQLite, its C, is made small, not fast,
# and net/http does without HTTP/2, which nothing here speaks.
BUILD = CGO_CFLAGS=-Os $(GO) build -tags nethttpomithttp2 -trimpath -ldflags='-s -w'
# Prints what go test prints, then every test that this machine skipped and why.
GOTEST = $(GO) test -json $(TESTFLAGS) ./... | $(GO) run ./packaging/ci/gotest

# Tools have a module of their own; what they were built from names the folder.
TOOLS_ID = $(shell { $(GO) env GOVERSION; cat packaging/tools/go.mod packaging/tools/go.sum; } | sha256sum | cut -c1-12)
TOOLS = .cache/tools/$(TOOLS_ID)

.PHONY: help build test check vet lint layers race vuln demo bench campaign-backup fuzz clean

help: ## this list
	@echo 'Clearance makes leaving a cloud account safe. What there is:'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## a whole departure on a throw-away account, in under a minute (PHOTOS=/a/folder for your own)
	@packaging/ci/deps.sh demo
	@packaging/demo/run.sh

test: ## install what is missing, then run every test
	@packaging/ci/deps.sh test
	$(GOTEST)

check: vet lint layers race vuln ## vet, lint, the import rule, race tests, known vulnerabilities

build: ## the programs, into bin/
	@mkdir -p bin
	@for main in $(wildcard agent/*/main.go ipc/*/main.go platform/*/main.go); do \
		dir=$${main%/main.go}; cgo=1; \
		[ "$$dir" = ipc/clearance ] && cgo=0; \
		echo "bin/$${dir##*/}"; \
		CGO_ENABLED=$$cgo $(BUILD) -o "bin/$${dir##*/}" "./$$dir" || exit 1; \
	done

vet:
	$(GO) vet ./...

lint: $(TOOLS)/golangci-lint
	$(TOOLS)/golangci-lint run ./...

# Never from the cache: Go does not see which packages go list read.
layers:
	$(GO) test -count=1 ./packaging/layers

# The same command as in test, so that its results are at hand when both run.
race:
	$(GOTEST)

vuln: $(TOOLS)/govulncheck
	@packaging/ci/vuln.sh $(TOOLS)/govulncheck

bench: ## measure beside cp, rsync, restic and others, into packaging/bench/RESULTS.md (BENCHFLAGS="-only 'photos|peak'")
	@packaging/ci/deps.sh bench
	@mkdir -p $(BENCHBIN)
	$(BUILD) -o $(BENCHBIN)/ ./agent/clearanced ./platform/devicesim ./packaging/stage/relay $(addprefix ./packaging/bench/,engine measure load)
	$(GO) build -o .cache/bench/ ./packaging/bench
	.cache/bench/bench -bin $(BENCHBIN) $(BENCHFLAGS)

campaign-backup: ## attack the copy for some seventy minutes, into packaging/bench/RELIABILITY.md
	@packaging/ci/deps.sh test
	@mkdir -p .cache/campaign
	$(GO) build -o .cache/campaign/ ./agent/clearanced ./packaging/stage/relay ./packaging/campaign
	.cache/campaign/campaign -out packaging/bench

fuzz: ## every fuzz target for FUZZTIME (10s)
	@packaging/ci/fuzz.sh $(FUZZTIME)

clean: ## remove what was built: bin/, dist/, .cache/
	rm -rf bin dist .cache

$(TOOLS)/golangci-lint:
	cd packaging/tools && $(GO) build -o $(CURDIR)/$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(TOOLS)/govulncheck:
	cd packaging/tools && $(GO) build -o $(CURDIR)/$@ golang.org/x/vuln/cmd/govulncheck
