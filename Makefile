# make help lists the targets.
VERSION    ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS    := -s -w -X main.version=$(VERSION)
GO_BUILD   := CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)'
TOOLS      := $(CURDIR)/.tools
LINT       := $(TOOLS)/golangci-lint
LINT_VERSION := v2.15.0
FUZZTIME   ?= 30s

.DEFAULT_GOAL := build
.PHONY: help build test short e2e systemd git-servers soak kills lint bench demo image cross fuzz manifest clean

help: ## show this list
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

build: ## static binary into bin/kitops
	$(GO_BUILD) -o bin/kitops ./cmd/kitops

test: ## all tests, with the race detector; needs a C compiler and git, and no network but loopback
	CGO_ENABLED=1 GORACE=atexit_sleep_ms=10 go test -race -timeout 20m ./...

short: ## all tests in their short form, without the race detector
	go test -short ./...

e2e: ## the set-up in a headless Chromium, which must be installed; pictures of the pages into bin/e2e
	mkdir -p bin/e2e
	CGO_ENABLED=1 go test -race -count 1 -timeout 20m -tags e2e -run '^TestE2E' -artifacts -outputdir $(CURDIR)/bin/e2e ./cmd/kitops

systemd: build ## the unit under a real systemd, in namespaces of its own; needs root, or sudo
	.ci/systemd bin/kitops

git-servers: ## checkouts by way of gitolite, cgit, Dulwich, JGit and others, which it installs; needs Debian and root, or sudo
	.ci/git-servers

SOAK  ?= 15m
KILLS ?= 300

soak: ## a push a second for SOAK (15m), with App, webhooks, statuses: nothing lost, nothing repeated, no growth
	CGO_ENABLED=0 go test -count 1 -timeout 0 -v -tags soak -run '^TestSoak$$' ./cmd/kitops -soak $(SOAK)

kills: ## KILLS (300) times SIGKILL at any moment: nothing lost, nothing repeated, nothing left over
	CGO_ENABLED=0 go test -count 1 -timeout 0 -v -run '^TestKilledAtAnyMoment$$' ./cmd/kitops -kills $(KILLS)

manifest: ## copy app-manifest.yml to where it is embedded
	go generate ./app

lint: $(LINT)-$(LINT_VERSION) ## golangci-lint, installed at a pinned version into .tools
	$(LINT)-$(LINT_VERSION) run ./...

$(LINT)-$(LINT_VERSION):
	GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv $(LINT) $@

bench: build ## Go benchmarks, then the whole program beside the git CLI
	KITOPS_BENCH=$(CURDIR)/bin/kitops go test -run '^$$' -bench . -benchmem -timeout 60m ./...

demo: build ## push to a repository and watch kitops act
	go run ./cmd/demo bin/kitops

fuzz: ## every fuzz target for FUZZTIME (30s)
	@set -e; for pkg in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "$$pkg $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg; \
		done; \
	done

image: ## container image kitops:VERSION
	docker build --build-arg VERSION=$(VERSION) -t kitops:$(VERSION) -t kitops:latest .

CROSS := linux/amd64 linux/arm64 linux/arm darwin/amd64 darwin/arm64 windows/amd64 freebsd/amd64
cross: ## compile for every supported platform
	@set -e; for target in $(CROSS); do \
		os=$${target%/*}; arch=$${target#*/}; ext=; [ $$os = windows ] && ext=.exe; \
		echo "$$target"; GOOS=$$os GOARCH=$$arch GOARM=7 $(GO_BUILD) -o bin/$$os-$$arch/kitops$$ext ./cmd/kitops; \
		GOOS=$$os GOARCH=$$arch GOARM=7 CGO_ENABLED=0 go vet ./...; \
	done

clean: ## remove what make built
	rm -rf bin .tools
