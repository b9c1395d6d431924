package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// kitops is the program, built once.
var kitops string

func TestMain(m *testing.M) {
	gittest.InMemory()
	os.Exit(withKitops(m.Run))
}

func withKitops(run func() int) int {
	dir, err := os.MkdirTemp("", "kitops-demo-test-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	kitops = filepath.Join(dir, "kitops")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-w", "-o", kitops, "../kitops").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("build kitops: %v\n%s", err, out))
	}
	return run()
}

// stage is where temporary files go; it must be empty in the end.
func stage(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Cleanup(func() {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
}

func TestTheWholeStory(t *testing.T) {
	stage(t)
	t.Setenv("KITOPS_URL", "https://example.invalid/other") // nobody's settings count
	t.Setenv("GIT_CONFIG_PARAMETERS", "'commit.gpgSign=true'")
	var out bytes.Buffer
	if err := run(t.Context(), screen{out: &out}, kitops); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	rest := out.String()
	for _, want := range []string{
		" kitops is watching tasks=2 ", " deploy main ", " run started\n", " success in ", `says "Hello!"`,
		`"greet the world" to main`, " test │ the page greets\n", " success in ", `says "Hello, world!"`,
		`"rewrite the page" to main`, " test │ the page does not greet\n", " failure in ", ": test: exit status 1; next try ",
		" run started, attempt 2\n", " failure in ", `says "Hello, world!"`,
		`"fix the page" to main`, " success in ", `says "Hello again!"`,
		`"release 2.0" to release/2.0`, " announce │ release/2.0 is out\n", " success in ",
		" kitops has stopped\n", "ended with exit code 0 and left no workdir", "From push to run: ",
		`"say hello" to main`, " shop kitops is watching ", " shop main ", " action │ Hello!\n", " success in ", "posted by kitops-of-acme[bot]", "| success  kitops/shop: shop: succeeded in ",
		`"rewrite the page" to main`, " failure in ", "| failure  kitops/shop: shop: action failed with exit code 1 after ",
		`"fix the page" to main`, "| success  kitops/shop: ", " looks answered with 304, ", " fetches by git and 1 token for all of it",
		"From push to run: ",
		`"greet with a test" to main`, " test │ 1:Hello, checks!\n", " failure in ", "the check run kitops/check: failure", "the database is not there",
		"index.html:1: failure: the database is not there", "presses Re-run", "the check run kitops/check: success", "Removed ",
	} {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("no %q (in this order) in\n%s", want, out.String())
		}
		rest = after
	}
	if !strings.Contains(out.String(), " remembered, not run: ") {
		t.Errorf("release/1.0 is not remembered in\n%s", out.String())
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("colour without a terminal")
	}
}

// trigger calls do when text is written.
type trigger struct {
	text string
	do   func()
}

func (w trigger) Write(p []byte) (int, error) {
	if strings.Contains(string(p), w.text) {
		w.do()
	}
	return len(p), nil
}

func TestInterruptCleansUp(t *testing.T) {
	moments := []string{"A repository", `"say hello"`, "run started", `"rewrite the page"`, "attempt 2", "a stand-in here", "posted by", "What it costs"}
	if testing.Short() { // later ones play the same scenes again
		moments = moments[:3]
	}
	for _, moment := range moments {
		t.Run(moment, func(t *testing.T) {
			stage(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if err := run(ctx, screen{out: trigger{moment, cancel}}, kitops); err == nil {
				t.Error("an interrupted story ends well")
			}
		})
	}
}

func TestWhatWasExpectedIsTold(t *testing.T) {
	stage(t)
	fake := filepath.Join(t.TempDir(), "fake")
	if err := os.WriteFile(fake, []byte("#!/bin/sh\necho no such thing >&2\nexit 2\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	err := run(t.Context(), screen{out: io.Discard}, fake)
	if err == nil || !strings.Contains(err.Error(), `expected kitops to say "deploy main `) || !strings.Contains(err.Error(), "no such thing") {
		t.Errorf("error %v", err)
	}
	if err := run(t.Context(), screen{out: io.Discard}, filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing binary ends well")
	}
}

// TestColoursAreThoseOfKitops has kitops at a terminal where the demo is.
func TestColoursAreThoseOfKitops(t *testing.T) {
	stage(t)
	var out bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_ = run(ctx, screen{out: io.MultiWriter(&out, trigger{"posted by", cancel}), colour: true}, kitops)
	for _, want := range []string{" deploy main \x1b[2m", "\x1b[32msuccess\x1b[0m in ", "\x1b[31mfailure\x1b[0m in "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestColour(t *testing.T) {
	var out bytes.Buffer
	s := screen{out: &out, colour: true}
	s.say("you", "push")
	s.title("A")
	s.quote("b")
	if got, want := out.String(), "\x1b[36myou    \x1b[0m push\n\n\x1b[1mA\x1b[0m\n        \x1b[2m|\x1b[0m b\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
