//go:build unix

package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/wiring"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/secret"
)

func TestEntrypoints(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"tool": 0o755, "data": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	environ := []string{"PATH=/nowhere:" + dir}
	for name, c := range map[string]struct {
		action        actions.Action
		problem, says string
	}{
		"in PATH":            {actions.Action{Entrypoint: "tool"}, "", ""},
		"absolute":           {actions.Action{Entrypoint: filepath.Join(dir, "tool")}, "", ""},
		"in the checkout":    {actions.Action{Entrypoint: "./missing"}, "", ""},
		"not in PATH":        {actions.Action{Entrypoint: "missing"}, `no program "missing" in PATH`, "install it"},
		"in its own PATH":    {actions.Action{Entrypoint: "tool", Environment: map[string]secret.Text{"PATH": secret.New(dir)}}, "", ""},
		"not in its own":     {actions.Action{Entrypoint: "tool", Environment: map[string]secret.Text{"PATH": secret.New("/nowhere")}}, "in PATH", "install it"},
		"several words":      {actions.Action{Entrypoint: "tool -l"}, `no program "tool -l" in PATH`, "entrypoint is one word"},
		"not executable":     {actions.Action{Entrypoint: "data"}, "in PATH", "install it"},
		"absolute, no bit":   {actions.Action{Entrypoint: filepath.Join(dir, "data")}, "not an executable file", "correct the path"},
		"absolute directory": {actions.Action{Entrypoint: dir}, "not an executable file", "correct the path"},
		"absolute, missing":  {actions.Action{Entrypoint: "/nowhere/x"}, "no such file", "correct the path"},
	} {
		problem, says := entrypoint(c.action, environ)
		if (problem == "") != (c.problem == "") || !strings.Contains(problem, c.problem) || !strings.Contains(says, c.says) {
			t.Errorf("%s: %q, %q", name, problem, says)
		}
	}
}

func TestEachCauseHasItsRemedy(t *testing.T) {
	address := func(text string) settings.Task {
		url, err := git.ParseURL(text)
		if err != nil {
			t.Fatal(err)
		}
		return settings.Task{URL: url}
	}
	const web, ssh = "https://example.com/shop", "git@example.com:shop"
	said := map[string]string{}
	for _, c := range []struct {
		address string
		err     error
		want    string
	}{
		{web, context.DeadlineExceeded, "firewall"},
		{web, syscall.ECONNREFUSED, "nothing listens"},
		{web, git.ErrCredentials, "user and password"},
		{ssh, git.ErrCredentials, "public key"},
		{web, git.ErrHidden, "correct the address"},
		{web, git.ErrDenied, "may not read"},
		{ssh, errors.New("no entry in known_hosts"), "host's key"},
		{"/srv/shop", errors.New("no such file"), "correct the path"},
		{"/srv/shop", os.ErrPermission, "kitops' user"},
		{web, errors.New("odd"), "git ls-remote"},
	} {
		got := remedy(fmt.Errorf("list heads: %w", c.err), address(c.address))
		if !strings.Contains(got, c.want) {
			t.Errorf("%s, %v: %q", c.address, c.err, got)
		}
		if before, twice := said[got]; twice {
			t.Errorf("one remedy for %s and %v: %q", before, c.err, got)
		}
		said[got] = c.err.Error()
	}
}

// TestRepoDirBelowAClosedFolder is none for actions of another user: kitops opens its own directory only.
func TestRepoDirBelowAClosedFolder(t *testing.T) {
	nobody, err := actions.LookupUser("nobody")
	if err != nil || os.Geteuid() != 0 {
		return // only root runs actions as another user
	}
	dir, err := os.MkdirTemp("/tmp", "kitops-doctor-test-") //nolint:usetesting // others get through to it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := errors.Join(os.Chmod(dir, 0o755), os.MkdirAll(filepath.Join(dir, "cache", "repos"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		mode os.FileMode
		path string
		good bool
	}{{0o700, "cache/repos", false}, {0o700, "cache/new/repos", false}, {0o711, "cache/repos", true}, {0o711, "cache/repos/", true}, {0o711, "cache/new/repos", true}} {
		if err := os.Chmod(filepath.Join(dir, "cache"), c.mode); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		d := &Doctor{Out: &out, Process: wiring.Process{Environ: os.Environ()}}
		d.repoDir(t.Context(), filepath.Join(dir, c.path), nobody)
		if said := strings.Contains(out.String(), "does not get through"); said == c.good || d.failed == c.good {
			t.Errorf("%s below %s:\n%s", c.path, c.mode, &out)
		}
	}
}

func TestProbesLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(written(dir), executed(t.Context(), dir, os.Environ(), nil)); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Error(left, err)
	}
	if err := written(filepath.Join(dir, "missing")); err == nil {
		t.Error("written where nothing is")
	}
	for err, want := range map[error]string{syscall.ENOSPC: "make room there", syscall.EROFS: "read-only", syscall.EACCES: "otherwise"} {
		if got := spaceRemedy(fmt.Errorf("write: %w", err), "otherwise"); !strings.Contains(got, want) {
			t.Errorf("%v: %s", err, got)
		}
	}
}

// TestBranchesOfBots beside secrets are warned of, unless they are excluded.
func TestBranchesOfBots(t *testing.T) {
	with := []actions.Action{{Name: "work", Secrets: map[string]actions.Secret{"KEY": {}}}}
	for _, c := range []struct {
		refs    git.Patterns
		actions []actions.Action
		want    string
	}{
		{git.Patterns{"refs/heads/**"}, with, "dependabot renovate"},
		{git.Patterns{"refs/heads/**"}, []actions.Action{{Name: "work", Token: map[string]string{"contents": "read"}}}, "dependabot renovate"},
		{git.Patterns{"refs/heads/**", "!refs/heads/dependabot/**"}, with, "renovate"},
		{git.Patterns{"refs/heads/**"}, []actions.Action{{Name: "work"}}, ""},
		{git.Patterns{"refs/heads/main", "refs/heads/release/*"}, with, ""},
	} {
		var out strings.Builder
		(&Doctor{Out: &out}).bots(settings.Settings{Tasks: []settings.Task{{Name: "ci", Refs: c.refs, Actions: c.actions}}})
		var said []string
		for line := range strings.Lines(out.String()) {
			_, bot, _ := strings.Cut(strings.TrimSpace(line), `exclude them by "!`)
			said = append(said, strings.TrimSuffix(bot, `/**"`))
		}
		if got := strings.Join(said, " "); got != c.want {
			t.Errorf("%v: %q, want %q", c.refs, got, c.want)
		}
	}
}
