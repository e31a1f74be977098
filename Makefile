# Everything that CI does, a line each. make help lists it.

DBPATH ?= pando-data
FUZZTIME ?= 30s

.PHONY: help build run test race history lint gen fuzz bench check ci clean

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

build: ## the binary, at ./pando
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o pando ./cmd/pando

run: ## the server, on DBPATH
	go run ./cmd/pando --dbpath $(DBPATH)

test: ## all tests
	go test ./...

race: ## the packages where goroutines meet, under the race detector
	go test -race ./internal/kv/... ./internal/wal ./internal/session/... ./internal/docstore/... ./internal/server/... ./internal/command/...

history: ## transactions under kills, lost replies and planted mistakes, all of it
	PANDO_CI=1 go test -count=1 -v -run 'Interleavings|Workloads|Serializable|Churn|Trouble|Planted' ./internal/history

lint: ## the rules of the house
	go test -count=1 ./internal/lint

gen: ## generated code
	go generate ./...

fuzz: ## every fuzz test for FUZZTIME
	@set -e; for f in $$(grep -rlE '^func Fuzz' --include='*_test.go' internal); do \
	  for name in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' $$f); do \
	    go test ./$$(dirname $$f) -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME); done; done

bench: ## benchmarks of the parts
	go test -run '^$$' -bench . -benchmem ./internal/...

check: ## walk the store at DBPATH and tell what is wrong
	go run ./cmd/pando check --dbpath $(DBPATH)

ci: ## what must pass before a change lands
	.ci/run

clean: ## remove what build made
	rm -f pando
