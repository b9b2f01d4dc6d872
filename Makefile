# `make help` lists the targets.

GO       ?= go
FUZZTIME ?= 10s
BENCH    ?= .

# A checkout says which commit it is; an unpacked archive says "dev".
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# The version is stamped below, so Go need not ask git, which refuses to answer
# in a checkout that belongs to another user.
export GOFLAGS := $(GOFLAGS) -buildvcs=false

.DEFAULT_GOAL := help
.PHONY: help build demo test race lint weights fuzz bench bench-router bench-traffic e2e e2e-anthropic

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/routeval
	$(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/routeval ./cmd/routeval

demo: build ## route 2,000 questions through a loopback server and print what it saved and kept
	bin/routeval demo

test: ## run the tests
	$(GO) test ./...

race: ## run the tests under the race detector
	$(GO) test -race ./...

lint: ## check formatting, go vet and staticcheck, of the e2e tests too
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "run gofmt -w on:" $$unformatted >&2; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags e2e,router ./...
	$(GO) tool staticcheck ./...
	$(GO) tool staticcheck -tags e2e,router ./...

OUTCOMES ?= ../shared/data/outcomes

weights: build ## repeat the training of the default weights, where the data is at hand
	bin/routeval train $(OUTCOMES)/mmlu_pro/mmlu_pro.jsonl.gz $(OUTCOMES)/routellm_mmlu/routellm_mmlu.jsonl.gz \
		--lambda 30 --leave-out contaminated --out bin/default.safetensors
	cmp bin/default.safetensors scoring/weights/default.safetensors

fuzz: ## run every fuzz target for FUZZTIME (10s) each
	@GO='$(GO)' FUZZTIME='$(FUZZTIME)' .ci/fuzz

bench: ## run the benchmarks whose names match BENCH (all)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

bench-router: ## compare ways to train a router by cross-validation, where the data is at hand; takes minutes
	$(GO) test -tags router -count=1 -timeout 60m -v -run '^(TestRouter|TestFitLearnsAsRouteLLM)$$' ./scoring/train

bench-traffic: ## show how slots and pace settle below the rate that a service admits
	@out=$$($(GO) test -count=1 -v -run '^TestSettlesBelowTheAdmittedRate$$' ./providers/traffic); status=$$?; \
		printf '%s\n' "$$out" | grep -v '^=== \|^ *--- PASS'; exit $$status

e2e: ## run prompts through a real Ollama (the first time builds it, some 4 minutes), and look at the page in a real Chromium if there is one
	@GO='$(GO)' cmd/routeval/internal/ollamatest/install
	$(GO) test -tags e2e -count=1 -run '^TestE2E' ./cmd/routeval

e2e-anthropic: ## the same with a later Ollama, for Anthropic's API; skipped where two headers are missing
	@GO='$(GO)' cmd/routeval/internal/ollamatest/install MessagesVersion
	$(GO) test -tags e2e -count=1 -run '^TestAnthropicE2E' ./cmd/routeval
