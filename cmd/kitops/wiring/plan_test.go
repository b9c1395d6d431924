package wiring

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/secret"
	"github.com/bittrance/kitops/status"
)

const brought = ".kitops.yaml"

// planned is what a file with this text makes of a revision of main.
func planned(t *testing.T, b settings.Bring, text string) (poller.Plan, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, b.File), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return plan(settings.Task{Bring: &b, Timeout: time.Hour}, dir, git.Revision{Ref: "refs/heads/main"})
}

func TestBroughtActions(t *testing.T) {
	b := settings.Bring{File: brought, Inherit: true, Token: map[string]string{"contents": "read"}, Environment: map[string]secret.Text{"PLACE": secret.New("the operator's"), "MORE": secret.New("x")}}
	what, err := planned(t, b, `
timeout: 20m
branches: [main, "release/*"]
actions:
  - run: make
    environment: {PLACE: elsewhere, TARGET: all}
    github_token: true
    inherit_environment: true
  - {name: last, entrypoint: /bin/true}
`)
	if err != nil || len(what.Actions) != 2 || what.Timeout != 20*time.Minute {
		t.Fatalf("%+v, %v", what, err)
	}
	first := what.Actions[0]
	if got := fmt.Sprint(first.Environment, first.InheritEnvironment, first.Token); got != "map[MORE:*** PLACE:*** TARGET:***] true map[contents:read]" {
		t.Error(got)
	}
	for name, want := range map[string]string{"MORE": "x", "PLACE": "the operator's", "TARGET": "all"} {
		if got := first.Environment[name].Reveal(); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	what, err = planned(t, b, "actions: [{run: make}]\nbranches: [\"**\", \"!main\"]")
	if err != nil || len(what.Actions) > 0 {
		t.Errorf("another branch: %+v, %v", what, err)
	}
	what, err = plan(settings.Task{Bring: &b, Timeout: time.Hour}, t.TempDir(), git.Revision{Ref: "refs/heads/main"})
	if err != nil || len(what.Actions) > 0 {
		t.Errorf("no file: %+v, %v", what, err)
	}
}

func TestMistakesInBroughtActions(t *testing.T) {
	deep := strings.Builder{}
	for i := range 300 {
		fmt.Fprintf(&deep, "%s%c:\n", strings.Repeat(" ", i), 'a'+i%26)
	}
	bomb := strings.Builder{}
	bomb.WriteString("actions:\n- &a0 {run: x, args: [x]}\n")
	for i := range 30 {
		fmt.Fprintf(&bomb, "- &a%d [*a%d, *a%d, *a%d, *a%d]\n", i+1, i, i, i, i)
	}
	wide := "actions: [{run: x, environment: &e {" + strings.Repeat("A: b, ", 5000) + "}}" + strings.Repeat(", {run: x, environment: *e}", 1000) + "]"
	for name, c := range map[string]struct{ text, want string }{
		"nothing":     {"", brought + ":1:1: the file is empty; it needs actions:"},
		"no actions":  {"timeout: 1m", "the file has no actions"},
		"empty list":  {"actions: []", "actions is empty"},
		"scalar":      {"hello", brought + ":1:1: the file must be a mapping"},
		"unknown":     {"actions: [{run: x}]\nintervall: 1m", brought + ":2:1: unknown key \"intervall\""},
		"ceiling":     {"actions: [{run: x}]\ntimeout: 2h", brought + ":2:10: timeout is more than the 1h that this agent allows"},
		"environment": {"actions:\n- run: x\n- run: x\n  inherit_environment: true", brought + ":3:3: inherit_environment is not allowed"},
		"token":       {"actions:\n- {run: x, github_token: true}", brought + ":2:3: github_token is not allowed"},
		"variable":    {"actions: [{run: x, environment: {KITOPS_SHA: y}}]", "the variable KITOPS_SHA is kitops' own"},
		"default":     {"actions: [{run: x}]\nbranches: [HEAD]", brought + ":2:11: branches are given by name here"},
		"exclusions":  {"actions: [{run: x}]\nbranches: [\"!main\"]", "only exclusions"},
		"documents":   {"actions: [{run: x}]\n---\nactions: [{run: y}]", "a second document"},
		"syntax":      {"actions: [", brought + ":1:"},
		"binary":      {"actions: \x00", "control character"},
		"not utf-8":   {"actions: \xff", "not UTF-8"},
		"tag":         {"actions: !!python/object x", "tags"},
		"huge":        {"actions: [{run: x}]\n" + strings.Repeat("#", 64<<10), "is larger than 64 KiB"},
		"deep":        {deep.String(), brought + ":"},
		"deep flow":   {"actions: " + strings.Repeat("[", 30000), "nested too deeply"},
		"deep list":   {strings.Repeat("- ", 30000), "nested too deeply"},
		"bomb":        {bomb.String(), brought + ":"},
		"wide":        {wide, brought + ":"},
		"own anchor":  {"actions: &a [*a]", brought + ":"},
		"long key":    {strings.Repeat("k", 60000) + ": x", brought + ":1:1: "},
		"ansi":        {"actions: [{run: x}]\n\"\\e[31m\\u202e\\n\": x", brought + ":2:1: "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := planned(t, settings.Bring{File: brought}, c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%.300v, want %s", err, c.want)
			}
			var mistake *poller.MistakeError
			if !errors.As(err, &mistake) {
				t.Errorf("it would be tried again: %v", err)
			}
			wantReadable(t, err)
		})
	}
}

// wantReadable looks at what people read on the commit.
func wantReadable(t *testing.T, err error) {
	t.Helper()
	said := status.Describe(poller.Run{Task: "ci@acme/shop", Outcome: poller.Error, Reason: err.Error()})
	if n := utf8.RuneCountInString(said); n > 140 || !utf8.ValidString(said) || strings.ContainsAny(said, "\n\x1b\u202e") {
		t.Errorf("%d characters: %q", n, said)
	}
}

func TestBroughtFileMustBeRegular(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // making links takes a privilege there
	}
	for name, c := range map[string]struct {
		file string
		make func(dir string) error
	}{
		"link": {brought, func(dir string) error { return os.Symlink("/etc/passwd", filepath.Join(dir, brought)) }},
		"link within": {brought, func(dir string) error {
			return os.Symlink("other.yaml", filepath.Join(dir, brought))
		}},
		"directory":        {brought, func(dir string) error { return os.Mkdir(filepath.Join(dir, brought), 0o700) }},
		"link on the way":  {"ci/x.yaml", func(dir string) error { return os.Symlink(".", filepath.Join(dir, "ci")) }},
		"loop on the way":  {"ci/x.yaml", func(dir string) error { return os.Symlink("ci", filepath.Join(dir, "ci")) }},
		"file for its dir": {"ci/x.yaml", func(dir string) error { return os.WriteFile(filepath.Join(dir, "ci"), nil, 0o600) }},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, other := range []string{"other.yaml", "x.yaml"} {
				if err := os.WriteFile(filepath.Join(dir, other), []byte("actions: [{run: x}]"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.make(dir); err != nil {
				t.Fatal(err)
			}
			_, err := plan(settings.Task{Bring: &settings.Bring{File: c.file}, Timeout: time.Hour}, dir, git.Revision{Ref: "refs/heads/main"})
			if err == nil || !strings.Contains(err.Error(), c.file+" must be a regular file") {
				t.Errorf("%v", err)
			}
		})
	}
}
