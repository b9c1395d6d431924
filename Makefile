# make help lists the targets.
VERSION    ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS    := -s -w -X main.version=$(VERSION)
GO_BUILD   := CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)'
TOOLS      := $(CURDIR)/.tools
LINT       := $(TOOLS)/golangci-lint
LINT_VERSION := v2.15.0
GORELEASER_VERSION := v2.16.0
CYCLONEDX_VERSION  := v1.10.0
FUZZTIME   ?= 30s

.DEFAULT_GOAL := build
.PHONY: help build test short rounds act act-docker limits e2e systemd git-servers test-stores chaos metrics soak kills lint vet bench demo image programs image-test release release-snapshot release-test packages fuzz manifest clean

help: ## show this list
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

build: ## static binary into bin/kitops
	$(GO_BUILD) -o bin/kitops ./cmd/kitops

test: ## all tests, with the race detector; needs a C compiler and git, and no network but loopback
	CGO_ENABLED=1 GORACE=atexit_sleep_ms=10 go test -race -ldflags=-w -timeout 20m ./...

# Some packages wait more than they work, so four of them run at a time.
short: ## all tests in their short form, without the race detector
	go test -short -p 4 -ldflags=-w ./...

ROUNDS ?= 10
rounds: ## tests of random histories, ROUNDS (10) times as long as make test plays them
	KITOPS_TEST_ROUNDS=$(ROUNDS) go test -count 1 -timeout 0 ./poller/...

e2e: ## the set-up and the page in a headless Chromium, which must be installed, as must npm; pictures of the pages into bin/e2e
	mkdir -p bin/e2e
	CGO_ENABLED=1 go test -race -count 1 -timeout 20m -tags e2e -run '^TestE2E' -artifacts -outputdir $(CURDIR)/bin/e2e ./cmd/kitops ./status/page

systemd: build ## the unit under a real systemd, in namespaces of its own; needs root, or sudo
	.ci/upgrade-release bin/upgrade
	.ci/systemd bin/kitops bin/upgrade

git-servers: ## checkouts by way of gitolite, cgit, Dulwich, JGit and others, which it installs; needs Debian and root, or sudo
	.ci/git-servers

test-stores: ## the stores that instances share on versitygw and Azurite, which it installs; needs Go, node and npm
	.ci/stores

chaos: ## instances on versitygw and Azurite while everything fails, for three minutes; for an hour: .ci/chaos s3 -for 1h
	.ci/chaos

metrics: ## the metrics before a real Prometheus, and the alert rules before promtool, which it installs; needs Debian and root, or sudo
	.ci/metrics

limits: ## the limits of runs before a kernel that has them all, in a machine that is emulated where this one does not; needs Debian and root, or sudo
	.ci/limits

act: ## workflows of GitHub by the real act, which it installs; needs Go and git
	.ci/act

act-docker: ## the same in containers, on a Docker of its own; needs Debian and root, or sudo
	.ci/act-docker

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
			echo "$$pkg $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s $$pkg; \
		done; \
	done

ARCH ?= $(shell go env GOARCH)
IMAGE = docker build --build-arg TARGETARCH=$(ARCH) --build-arg VERSION=$(VERSION) --build-arg REVISION=$(shell git rev-parse HEAD) $(IMAGE_FLAGS)
image: programs ## container images kitops:VERSION, and kitops:VERSION-scratch without a shell
	$(IMAGE) -t kitops:$(VERSION) -t kitops:latest .
	$(IMAGE) --target scratch -t kitops:$(VERSION)-scratch -t kitops:scratch .

programs: # what the image copies
	@set -e; for arch in $(ARCH); do \
		GOOS=linux GOARCH=$$arch GOARM=7 $(GO_BUILD) -o bin/linux-$$arch/kitops ./cmd/kitops; \
	done

image-test: bin/debian ## build the images on a Docker of their own, and try them; needs Debian and root, or sudo
	.ci/image bin/debian

RELEASE_DATE = $(shell TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)
GORELEASER  = PATH="$(TOOLS):$$PATH" SOURCE_DATE_EPOCH=$(shell git log -1 --format=%ct) RELEASE_DATE=$(RELEASE_DATE) goreleaser-$(GORELEASER_VERSION)
release: $(TOOLS)/goreleaser-$(GORELEASER_VERSION) $(TOOLS)/cyclonedx-gomod ## the release of the tag at HEAD, as a draft on GitHub; release.yml calls it
	KITOPS_SIGNING_KEY="$$SIGNING_KEY" $(GORELEASER) release --clean

release-snapshot: $(TOOLS)/goreleaser-$(GORELEASER_VERSION) $(TOOLS)/cyclonedx-gomod bin/release-key ## all that a release has, into bin/dist, signed by a key made for it
	KITOPS_SIGNING_KEY="$$(cat bin/release-key)" $(GORELEASER) release --snapshot --clean
	cp docs/install.sh bin/dist/ # which a snapshot lists and leaves where it is

release-test: ## try what release-snapshot has built; installs emulators, needs Debian and root, or sudo
	.ci/release
	.ci/install

packages: bin/debian ## install, upgrade, remove the packages that release-snapshot has built; needs Debian and root, or sudo
	.ci/packages bin/debian

bin/debian: # a small Debian
	.ci/debian $@

bin/release-key:
	mkdir -p bin
	go run ./cmd/sign new $@ >$@.pub

$(TOOLS)/goreleaser-$(GORELEASER_VERSION):
	GOBIN=$(TOOLS) go install github.com/goreleaser/goreleaser/v2@$(GORELEASER_VERSION)
	mv $(TOOLS)/goreleaser $@

$(TOOLS)/cyclonedx-gomod:
	GOBIN=$(TOOLS) go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX_VERSION)

vet: ## go vet for the kinds of systems that differ
	@set -e; for os in linux windows darwin; do \
		echo "$$os"; GOOS=$$os CGO_ENABLED=0 go vet ./...; \
	done

clean: ## remove what make built
	rm -rf bin .tools
