//go:build unix

package main

import (
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// listings are kitops' questions for the repositories of an installation.
var listings = apptest.Filter{Kind: apptest.REST, Path: "/installation/repositories"}

// pattern are the flags of a task named acme on all repositories of acme, and
// others. Its action notes task and revision.
func (s *scene) pattern(more ...string) []string {
	urls := []string{"--url", s.URL + "/acme/*"}
	for _, entry := range more {
		urls = append(urls, "--url", entry)
	}
	return append(append(s.github(), urls...),
		"--action", `echo $KITOPS_TASK_NAME $KITOPS_SHA >> $PLACE/ran`, "--environment", "PLACE="+s.dir)
}

// relist makes a kitops read the list of repositories anew.
func (w *watcher) relist() { _ = w.cmd.Process.Signal(syscall.SIGHUP) }

// remembers waits until these tasks are in the state, or only as repositories
// that are gone and may return.
func (s *scene) remembers(yes bool, tasks ...string) {
	s.t.Helper()
	for _, task := range tasks {
		if !eventually(func() bool { return s.inState(task) == yes }) {
			s.t.Fatalf("memory of %s: %v\n%s\n%s", task, !yes, s.story(), s.read("state.yaml"))
		}
	}
}

func (s *scene) inState(task string) bool {
	_, after, found := strings.Cut("\n"+s.read("state.yaml"), "\n  "+task+":\n")
	for line := range strings.Lines(after) {
		if !strings.HasPrefix(line, "    ") {
			break
		}
		if strings.HasPrefix(line, "    gone: ") {
			return false
		}
	}
	return found
}

// awaitSuccess waits for the good end of a run on a commit of any repository.
func (s *scene) awaitSuccess(r *apptest.Repository, sha, context string) {
	s.t.Helper()
	s.await("success of "+sha, func() bool {
		all := r.Statuses(sha)
		return len(all) > 0 && all[len(all)-1].State == "success" && all[len(all)-1].Context == context
	})
}

// did fails the test unless these tasks ran on these revisions.
func (s *scene) did(want ...string) {
	s.t.Helper()
	if got := strings.Split(strings.TrimSpace(s.read("ran")), "\n"); !slices.Equal(got, want) {
		s.t.Errorf("ran %q, want %q\n%s", got, want, s.story())
	}
}

func (s *scene) private(owner, name string) *apptest.Repository {
	return s.AddRepository(owner, name, apptest.RepositoryOptions{Private: true})
}

// TestThreeHundredRepositories covers them by one task: nothing of what is
// there runs, a push runs in its repository only. The short form has forty.
func TestThreeHundredRepositories(t *testing.T) {
	s := newScene(t, apptest.Options{})
	repositories := 300
	if testing.Short() {
		repositories = 40
	}
	for i := range repositories - 1 {
		s.AddRepository("acme", fmt.Sprintf("service-%03d", i), apptest.RepositoryOptions{InMemory: true}).SetHead("main", fmt.Sprintf("%040x", i+1))
	}
	args := append(s.pattern(), "--branch", "main")
	agent := s.start(append(args, "--github-status-context", "ci")...)
	agent.says("remembered, not run", repositories)
	second := s.shop.Push("main", nil)
	s.awaitSuccess(s.shop, second, "ci")
	agent.stop()
	s.did("acme@acme/shop " + second)
	if n := s.Count(statusPosts); n > 2 {
		t.Errorf("%d statuses", n)
	}
	if n := s.Count(tokenRequests); n != 1 {
		t.Errorf("%d tokens for one installation", n)
	}
	s.wantSaid(s.first)
	s.Reset()
	s.ends(0, append(args, "--state-file", s.path("state.yaml"), "--repo-dir", s.path("clones"), "--poll-once")...)
	s.did("acme@acme/shop " + second)
	if all, git := s.Count(apptest.Filter{}), s.Count(apptest.Filter{Kind: apptest.Git}); all > repositories+20 || git > 0 {
		t.Errorf("%d requests, %d of them git's, to look at %d repositories once", all, git, repositories)
	}
}

// TestRepositoriesComeAndGo follows one that is added, renamed, archived,
// removed, left out by the selection, and one that is made anew.
func TestRepositoriesComeAndGo(t *testing.T) {
	s := newScene(t, apptest.Options{})
	attic, old := s.private("acme", "attic"), s.private("acme", "old")
	attic.Push("main", nil)
	old.Push("main", nil)
	agent := s.start(s.pattern()...)
	agent.says("remembered, not run", 3)
	second := s.shop.Push("main", nil)
	s.awaitSuccess(s.shop, second, "kitops/acme")

	s.shop.Rename("store")
	attic.SetArchived(true)
	old.Delete()
	lab := s.private("acme", "lab")
	lab.Push("main", nil)
	s.Settle() // so that this is what the first look finds
	agent.relist()
	s.remembers(true, "acme@acme/lab", "acme@acme/store")
	s.remembers(false, "acme@acme/attic", "acme@acme/old", "acme@acme/shop")
	third := s.shop.Push("main", nil)
	s.awaitSuccess(s.shop, third, "kitops/acme")
	fresh := lab.Push("main", nil)
	s.awaitSuccess(lab, fresh, "kitops/acme")

	s.installation.SetRepositories(lab)
	again := s.private("acme", "old") // the App does not cover it
	agent.relist()
	s.remembers(false, "acme@acme/store")
	s.installation.SetRepositories()
	again.Push("main", nil)
	s.Settle()
	attic.SetArchived(false)
	agent.relist()
	s.remembers(true, "acme@acme/store", "acme@acme/old", "acme@acme/attic")
	last := again.Push("main", nil)
	s.awaitSuccess(again, last, "kitops/acme")
	agent.stop()
	s.did("acme@acme/shop "+second, "acme@acme/store "+third, "acme@acme/lab "+fresh, "acme@acme/old "+last)
}

func TestTwoOrganisations(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.AddOrg("umbrella")
	lab, secret := s.private("umbrella", "lab"), s.private("umbrella", "secret")
	lab.Push("main", nil)
	secret.Push("main", nil)
	other := s.app.Install("umbrella", nil)
	agent := s.start(s.pattern("umbrella/{lab,secret}", "!umbrella/sec*")...)
	agent.says("remembered, not run", 2)
	// One organization suspends the App: the other goes on, and nothing is forgotten.
	other.Suspend()
	agent.relist()
	agent.says("repositories could be listed.*installation on umbrella is suspended", 1)
	second := s.shop.Push("main", nil)
	s.awaitSuccess(s.shop, second, "kitops/acme")
	agent.stop()
	missed := lab.Push("main", nil)
	wantWords(t, s.once(1, s.pattern("umbrella/*", "!umbrella/sec*")...), "installation on umbrella is suspended", "unsuspend it at")
	other.Unsuspend()
	s.once(0, s.pattern("umbrella/*", "!umbrella/sec*")...)
	s.did("acme@acme/shop "+second, "acme@umbrella/lab "+missed)
	s.remembers(false, "acme@umbrella/secret")
}

// TestSilentAPI has GitHub away at the start and later: other tasks do not
// wait for it, and what is covered stays.
func TestSilentAPI(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.shop.SetPrivate(false)
	plain := exec.Command("git", "clone", "--quiet", "--bare", s.shop.Dir(), s.path("plain.git"))
	if out, err := plain.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	hang := s.Inject(apptest.Filter{Kind: apptest.REST}, 0, apptest.Hang())
	args := s.tasks(`
tasks:
  - {name: plain, git: {url: $PLACE/plain.git}, actions: [{run: touch $PLACE/plain}]}
  - {name: ci, git: {url: $GITHUB/acme/*}, actions: [{run: 'echo ${DOLLAR}KITOPS_SHA >> $PLACE/ran'}]}
`)
	agent := s.start(args...)
	if !eventually(func() bool { return s.exists("plain") }) {
		t.Fatalf("the other task waits\n%s", s.story())
	}
	agent.relist()
	agent.says("the task file was read again", 1)
	agent.stop() // while the list is asked for
	hang.Lift()

	agent = s.start(args...)
	agent.says("remembered, not run", 1)
	down := s.Inject(listings, 0, apptest.Fail(http.StatusBadGateway, "unicorn"))
	agent.relist()
	agent.says("not all repositories could be listed, those known stay", 1)
	second := s.shop.Push("main", nil)
	s.awaitSuccess(s.shop, second, "kitops/ci")
	agent.stop()

	third := s.shop.Push("main", nil) // known from the memory only
	wantWords(t, s.once(1, args...), "list the repositories of")
	s.wantRan(second, third)
	down.Lift()
	s.once(0, args...)
	s.wantRan(second, third)
}

// TestPatternsAreReloaded changes them by SIGHUP: what is no longer covered is
// forgotten, tasks that stay are not disturbed.
func TestPatternsAreReloaded(t *testing.T) {
	s := newScene(t, apptest.Options{})
	lab := s.private("acme", "lab")
	lab.Push("main", nil)
	file := func(urls string) []string {
		return s.tasks(`
tasks:
  - name: ci
    git: {urls: ` + urls + `}
    actions: [{run: 'echo ${DOLLAR}KITOPS_TASK_NAME ${DOLLAR}KITOPS_SHA >> $PLACE/ran'}]
`)
	}
	agent := s.start(file(`[acme/*, "!acme/lab"]`)...)
	agent.says("remembered, not run", 1)
	file(`[acme/*]`)
	agent.relist()
	agent.says("remembered, not run", 2)
	file(`["!acme/*"]`)
	agent.relist()
	agent.says("only exclusions: no repository would ever match", 1)
	second := s.shop.Push("main", nil)
	s.awaitSuccess(s.shop, second, "kitops/ci")
	file(`[acme/l*]`)
	agent.relist()
	s.remembers(false, "ci@acme/shop")
	s.remembers(true, "ci@acme/lab")
	agent.stop()
	s.did("ci@acme/shop " + second)
}

func TestOnNewRunsWhatIsFound(t *testing.T) {
	s := newScene(t, apptest.Options{})
	args := s.tasks(`
tasks:
  - name: ci
    git: {url: acme/*}
    on_new: run
    actions: [{run: 'echo ${DOLLAR}KITOPS_SHA >> $PLACE/ran'}]
`)
	s.once(0, args...)
	s.shop.Rename("store")
	s.once(0, args...)
	s.wantRan(s.first)
	s.wantSaid(s.first, "pending", "success")
}

func TestPatternNeedsAnAppOnItsHost(t *testing.T) {
	s := newScene(t, apptest.Options{})
	wantWords(t, s.once(2, "--url", s.URL+"/acme/*", "--action", "true"), "several repositories need a GitHub App")
	wantWords(t, s.once(2, append(s.github(), "--url", "https://example.com/acme/*", "--action", "true")...), "https://example.com is not the host that belongs to")
	s.once(0, append(s.github(), "--url", "nobody/*", "--action", "true")...)
}
