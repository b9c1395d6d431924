//go:build unix

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/poller/git/gittest"
)

// doctor runs kitops doctor and returns its lines.
func (s *scene) doctor(code int, args ...string) string {
	s.t.Helper()
	return s.ends(code, append([]string{"doctor"}, append(slices.Clip(args), s.memory()...)...)...)
}

func TestDoctorFindsNothing(t *testing.T) {
	s := newScene(t, apptest.Options{Enterprise: true})
	s.app.SetHook("https://kitops.invalid/webhook", "push", "create", "delete", "repository")
	out := s.doctor(0, s.task(note)...)
	wantWords(t, out, "the App has a webhook, https://kitops.invalid/webhook", "subscribed to the events that matter", `App `+s.app.ClientID+` is "Kit Ops"`, "asks for all permissions needed", "grants all permissions needed",
		"main is at "+s.first, "git reads "+s.shop.CloneURL()+": main", "MB free", "state.yaml: readable and replaceable")
	// Its actions are of its own user.
	wantWords(t, out, "warn  actions can read the GitHub App's private key ("+s.path("key.pem")+"), so whoever may push can take it: run kitops as root with --action-user USER")
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "ok    ") && !strings.HasPrefix(line, "warn  actions can read the GitHub App's private key") && !strings.Contains(line, "large repositories may not fit") {
			t.Errorf("line %q", line)
		}
	}
	for _, name := range []string{"state.yaml", "state.yaml.lock", "clones", "ran"} {
		if s.exists(name) {
			t.Errorf("doctor leaves %s", name)
		}
	}
	agent := s.start(s.task(note)...)
	s.awaitStatus(s.first, "success")
	wantWords(t, s.doctor(0, s.task(note)...), "in use by a running kitops")
	agent.stop()
	s.wantRan(s.first)
}

// TestDoctorFindsFaults has one fault for each line that doctor may say. What
// is wrong at GitHub stands in TestWhatAHumanMustMend.
func TestDoctorFindsFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code  int
		spoil func(*scene) []string
		words []string
	}{
		"key for all": {0, func(s *scene) []string {
			_ = os.Chmod(s.path("key.pem"), 0o644)
			return s.task(note)
		}, []string{"warn  ", "can be read by every user of this host: chmod o-r "}},
		"no webhook": {0, func(s *scene) []string { return s.task(note) }, []string{
			"warn  GitHub App ", "no active webhook, so its delivery log stays empty: tick \"Active\"", "not subscribed to the event push",
		}},
		"no branch": {1, func(s *scene) []string {
			s.shop.SetHead("other", s.first)
			s.shop.SetHead("main", "")
			return s.task(note)
		}, []string{"FAIL  task shop: acme/shop has no branch main: push it"}},
		"statuses not granted": {0, func(s *scene) []string {
			s.installation.SetPermissions(apptest.Permissions{"contents": "read"})
			return s.task(note)
		}, []string{"warn  task shop: ", "does not grant statuses:write: accept the change of permissions at "}},
		"API away": {1, func(s *scene) []string {
			s.Inject(apptest.Filter{Kind: apptest.REST}, 0, apptest.Fail(503, ""))
			return s.task(note)
		}, []string{"FAIL  GitHub App ", "503"}},
		"empty": {0, func(s *scene) []string {
			empty := s.AddRepository("acme", "empty", apptest.RepositoryOptions{})
			return append(s.github(), "--url", empty.CloneURL(), "--action", "true")
		}, []string{"warn  task empty: ", "no commits yet: push one"}},
		"state unreadable": {1, func(s *scene) []string {
			s.write("state.yaml", "what: is this")
			return s.task(note)
		}, []string{"FAIL  state file ", "fix it, or move it away"}},
		"state is a directory": {1, func(s *scene) []string {
			_ = os.Mkdir(s.path("state.yaml"), 0o700)
			return s.task(note)
		}, []string{"FAIL  state file ", "not a regular file"}},
		"no place for the state": {1, func(s *scene) []string {
			return append(s.task(note), "--state-file", s.path("none/state.yaml"))
		}, []string{"FAIL  state file ", "kitops must be able to write to "}},
		"no place for clones": {1, func(s *scene) []string {
			return append(s.task(note), "--repo-dir", filepath.Join(s.write("file", ""), "below"))
		}, []string{"FAIL  directory for clones ", "see --repo-dir"}},
		"key is none": {2, func(s *scene) []string {
			s.write("key.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
			return s.task(note)
		}, []string{"kitops: ", "key"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, apptest.Options{})
			args := c.spoil(s)
			memory := s.memory()
			if i := slices.Index(args, "--state-file"); i >= 0 {
				memory = append(memory, args[i:i+2]...)
			}
			if i := slices.Index(args, "--repo-dir"); i >= 0 {
				memory = append(memory, args[i:i+2]...)
			}
			wantWords(t, s.ends(c.code, append([]string{"doctor"}, slices.Concat(args, memory)...)...), c.words...)
			s.wantRan()
		})
	}
}

func TestDoctorWithoutGitHub(t *testing.T) {
	s := newScene(t, apptest.Options{})
	repo := gittest.New(t)
	repo.Commit(map[string]string{"a": "b"})
	open := gittest.ServeHTTP(t, filepath.Dir(repo.Dir), gittest.HTTPOptions{})
	closed := gittest.ServeHTTP(t, filepath.Dir(repo.Dir), gittest.HTTPOptions{User: "u", Password: "p"})
	args := func(url string) []string { return []string{"--url", url, "--branch", "main", "--action", "true"} }
	for _, url := range []string{repo.Dir, "file://" + repo.Dir, open + "/repo.git", strings.Replace(closed, "http://", "http://u:p@", 1) + "/repo.git"} {
		wantWords(t, s.doctor(0, args(url)...), "ok    task repo: git reads ", ": main, 1 in all")
	}
	for url, words := range map[string]string{
		closed + "/repo.git": "authentication required", open + "/none.git": "not found", repo.Work + "/none": "none",
		"http://127.0.0.1:1/repo.git": "refused",
	} {
		wantWords(t, s.doctor(1, args(url)...), "FAIL  task ", words)
	}
	wantWords(t, s.doctor(1, append(args(repo.Dir), "--branch", "none")...), "has no refs/heads/none")
	if n := s.Count(apptest.Filter{}); n > 0 {
		t.Errorf("GitHub was asked %d times", n)
	}
}

func TestCheckTouchesNothing(t *testing.T) {
	s := newScene(t, apptest.Options{})
	args := append([]string{"check"}, slices.Concat(s.task(note), s.memory())...)
	wantWords(t, s.ends(0, args...), s.app.ClientID, s.APIURL, s.path("key.pem"))
	s.write("key.pem", "no key")
	wantWords(t, s.ends(2, args...), "private key")
	if n := s.Count(apptest.Filter{}); n > 0 || s.exists("state.yaml") || s.exists("clones") {
		t.Errorf("check asks GitHub (%d times) or leaves something", n)
	}
}

// TestActionsThatCanReadTheKey are warned of once at the start, and run.
func TestActionsThatCanReadTheKey(t *testing.T) {
	s := newScene(t, apptest.Options{})
	agent := s.start(s.task(note)...)
	s.awaitStatus(s.first, "success")
	agent.stop()
	const warning = `level=WARN msg="actions can read the GitHub App's private key, so whoever may push can take it"`
	if n := s.count(warning); n != 1 || !strings.Contains(s.read("agent.log"), s.path("key.pem")) {
		t.Errorf("warned %d times\n%s", n, s.story())
	}
}
