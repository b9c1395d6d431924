package main

import (
	"slices"
	"strings"
	"testing"
)

// TestInstallScriptKnowsTheKeys holds the script to the keys that kitops upgrade knows.
func TestInstallScriptKnowsTheKeys(t *testing.T) {
	known := words(document(t, "cmd/kitops/release/keys.txt"), `(?m)^(RW\S+)$`)
	script := words(document(t, "docs/install.sh"), `(?m)^keys='(.*)'$`)
	if len(script) != 1 || !slices.Equal(slices.Sorted(strings.FieldsSeq(script[0])), known) {
		t.Errorf("docs/install.sh has the keys %q, cmd/kitops/release/keys.txt %q", script, known)
	}
}

// TestReleaseIsPublishedWhole holds the order of release.yml: everything is attached
// to a draft, then it is made public, and only then others are told of it.
func TestReleaseIsPublishedWhole(t *testing.T) {
	workflow := document(t, ".github/workflows/release.yml")
	at := 0
	for _, step := range []string{
		"tags: [\"v*\"]", "- run: make release\n", "minisign -V", "cosign@v", "cosign sign-blob --yes --bundle ",
		"actions/attest-build-provenance@", "gh release upload", "--draft=false", "immutable", "taps:", "needs: release", ".ci/taps ",
	} {
		found := strings.Index(workflow[at:], step)
		if found < 0 {
			t.Fatalf("release.yml has no %q after what comes before it", step)
		}
		at += found
	}
	for _, line := range []string{"  draft: true", "mod_timestamp: \"{{ .Env.SOURCE_DATE_EPOCH }}\""} {
		if !strings.Contains(document(t, ".goreleaser.yaml"), line) {
			t.Errorf(".goreleaser.yaml has no %q", line)
		}
	}
}

// TestDocsNamePlatforms holds the page to what is built.
func TestDocsNamePlatforms(t *testing.T) {
	page := document(t, "docs/deploy.md")
	targets := words(document(t, ".goreleaser.yaml"), `(?m)^      - ([a-z]+_[a-z0-9_]+)$`)
	if len(targets) != 9 {
		t.Errorf("there are the targets %q", targets)
	}
	for _, target := range targets {
		system, machine, _ := strings.Cut(strings.Replace(target, "arm_7", "armv7", 1), "_")
		if !strings.Contains(page, "`"+system+"_"+machine+"`") {
			t.Errorf("docs/deploy.md does not name %s_%s", system, machine)
		}
	}
}
