package apptest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/app/apptest"
)

// gitAs runs git with a token as the password, as kitops and GitHub's own checkout do.
func (s *scene) gitAs(token string, args ...string) (string, error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	for i, arg := range args {
		if token != "" && strings.HasPrefix(arg, "http") {
			args[i] = strings.Replace(arg, "://", "://x-access-token:"+token+"@", 1)
		}
	}
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull,
		"GIT_AUTHOR_NAME=m", "GIT_AUTHOR_EMAIL=m@example.com", "GIT_COMMITTER_NAME=m", "GIT_COMMITTER_EMAIL=m@example.com")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestClonesNeedATokenForTheRepository(t *testing.T) {
	s := newScene(t, apptest.Options{})
	other := s.AddRepository("acme", "other", apptest.RepositoryOptions{Private: true})
	other.Push("main", nil)
	public := s.AddRepository("mona", "public", apptest.RepositoryOptions{})
	public.Push("main", nil)
	s.AddRepository("mona", "ether", apptest.RepositoryOptions{InMemory: true})
	expired := s.installation.Token(nil)
	s.Advance(time.Hour)
	narrow := s.installation.Token(apptest.Permissions{"contents": "read"}, s.shop)
	blind := s.installation.Token(apptest.Permissions{"statuses": "read"})

	cases := []struct {
		name, url, token, refusal string
	}{
		{"covered", s.shop.CloneURL(), narrow, ""},
		{"without .git", strings.TrimSuffix(s.shop.CloneURL(), ".git"), narrow, ""},
		{"public", public.CloneURL(), "", ""},
		{"public with a token for others", public.CloneURL(), narrow, ""},
		{"anonymous", s.shop.CloneURL(), "", "could not read Username"},
		{"unknown, anonymous", s.URL + "/acme/nowhere.git", "", "could not read Username"},
		{"not selected", other.CloneURL(), narrow, "not found"},
		{"no permission", s.shop.CloneURL(), blind, "403"},
		{"expired", s.shop.CloneURL(), expired, "Authentication failed"},
		{"in memory", s.URL + "/mona/ether.git", "", "not found"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out, err := s.gitAs(c.token, "clone", c.url, filepath.Join(t.TempDir(), "clone"))
			if (err == nil) != (c.refusal == "") || !strings.Contains(out, c.refusal) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	// The git program offers a password only when asked; others, as go-git, send it at once.
	s.ask("GET", public.CloneURL()+"/info/refs?service=git-upload-pack", expired, "").want(t, 401, "Invalid username or token")
	if n := s.Count(apptest.Filter{Kind: apptest.Git, Path: "/acme/shop.git/git-upload-pack", Auth: apptest.AsInstallation, ID: s.installation.ID}); n == 0 {
		t.Error("no fetch was recorded")
	}
}

func TestClonesFollowARename(t *testing.T) {
	s := newScene(t, apptest.Options{})
	old := s.shop.CloneURL()
	s.shop.Rename("store")
	dir := filepath.Join(t.TempDir(), "clone")
	if out, err := s.gitAs(s.installation.Token(nil), "clone", old, dir); err != nil {
		t.Fatal(out)
	}
	if out, err := s.gitAs("", "-C", dir, "rev-parse", "HEAD"); err != nil || strings.TrimSpace(out) != s.sha {
		t.Errorf("%s, %v", out, err)
	}
}

func TestPushesNeedWritePermissionAndShowAtOnce(t *testing.T) {
	s := newScene(t, apptest.Options{})
	dir := filepath.Join(t.TempDir(), "clone")
	url := s.shop.CloneURL()
	reader := s.installation.Token(nil)
	for _, args := range [][]string{{"clone", url, dir}, {"-C", dir, "commit", "--allow-empty", "-m", "more"}} {
		if out, err := s.gitAs(reader, args...); err != nil {
			t.Fatal(out)
		}
	}
	if out, err := s.gitAs(reader, "-C", dir, "push", url, "HEAD:main"); err == nil || !strings.Contains(out, "403") {
		t.Errorf("%v\n%s", err, out)
	}
	s.installation.SetPermissions(apptest.Permissions{"contents": "write"})
	writer := s.installation.Token(nil)
	if out, err := s.gitAs(writer, "-C", dir, "push", url, "HEAD:main"); err != nil {
		t.Fatal(out)
	}
	pushed := s.shop.Head("main")
	if pushed == s.sha {
		t.Fatal("the push changed nothing")
	}
	s.ask("GET", "/repos/acme/shop/commits/main", writer, "").want(t, 200, pushed)
}

func TestPackIsCutInTheMiddle(t *testing.T) {
	s := newScene(t, apptest.Options{})
	files := map[string]string{}
	for i := range 50 {
		// Random enough not to shrink below what is let through.
		files[fmt.Sprintf("f%d", i)] = strings.Repeat(s.sha[i%30:i%30+9]+itoa(int64(i*i*7919)), 20)
	}
	s.shop.Push("main", files)
	f := s.Inject(apptest.Filter{Kind: apptest.Git, Method: "POST", Path: "/acme/shop.git/git-upload-pack"}, 0, apptest.Cut(1000))
	token := s.installation.Token(nil)
	dir := filepath.Join(t.TempDir(), "clone")
	if out, err := s.gitAs(token, "clone", s.shop.CloneURL(), dir); err == nil {
		t.Errorf("a cut pack was taken: %s", out)
	}
	if f.Hits() == 0 {
		t.Error("the fault met nothing")
	}
	f.Lift()
	if out, err := s.gitAs(token, "clone", s.shop.CloneURL(), dir); err != nil {
		t.Error(out)
	}
}

func TestExistingRepositoryIsServed(t *testing.T) {
	s := newScene(t, apptest.Options{})
	r := s.AddRepository("acme", "mirror", apptest.RepositoryOptions{Dir: s.shop.Dir(), Private: true})
	if r.Head("main") != s.sha {
		t.Errorf("head %s", r.Head("main"))
	}
	if out, err := s.gitAs(s.installation.Token(nil), "ls-remote", r.CloneURL()); err != nil || !strings.Contains(out, s.sha) {
		t.Errorf("%s, %v", out, err)
	}
}

func TestPushedScriptsAreExecutable(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.shop.Push("main", map[string]string{"bin/deploy": "#!/bin/sh\n", "a file": "x"})
	out, err := s.gitAs("", "--git-dir", s.shop.Dir(), "-c", "safe.directory=*", "ls-tree", "-r", "main")
	if err != nil || !strings.Contains(out, "100755 blob") || !strings.Contains(out, "\tREADME.md") || !strings.Contains(out, "a file") {
		t.Errorf("%v\n%s", err, out)
	}
}
