//go:build unix

package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// stale is GitHub's API that has yet to hear of a push.
func stale(rw http.ResponseWriter, r *http.Request, _ http.Handler, _ <-chan struct{}) {
	rw.Header().Set("ETag", r.Header.Get("If-None-Match"))
	rw.WriteHeader(http.StatusNotModified)
}

func TestRevisionIsAwaited(t *testing.T) {
	s := newHookScene(t)
	s.serveShop(s.listening()...)
	lag := s.Inject(apptest.Filter{Kind: apptest.REST, Path: looksAtMain.Path}, 2, stale)
	second, d := s.push()
	s.wantStatus(d, http.StatusAccepted)
	s.awaitStatus(second, "success")
	if lag.Hits() != 2 {
		t.Errorf("%d looks in vain", lag.Hits())
	}
	s.agent.stop()
}

// TestRevisionThatNeverComes is looked out for in vain, and not for ever.
func TestRevisionThatNeverComes(t *testing.T) {
	s := newHookScene(t)
	s.serveShop(s.listening()...)
	nowhere := strings.Repeat("5", 40)
	before := s.looks()
	event := s.shop.PushEvent("refs/heads/main", s.first, nowhere)
	s.wantStatus(s.app.Deliver(t.Context(), event), http.StatusAccepted)
	s.await("the look and three more", func() bool { return s.looks() == before+4 })
	s.wantStatus(s.app.Deliver(t.Context(), event), http.StatusAccepted)
	s.await("one look for the replay", func() bool { return s.looks() == before+5 })
	s.agent.stop()
	s.wantRan(s.first)
	if n := s.looks() - before; n != 5 {
		t.Errorf("%d looks", n)
	}
}

func TestRenamedRepositoryIsKnownByItsID(t *testing.T) {
	s := newHookScene(t)
	s.serveShop(s.listening()...)
	s.shop.Rename("store")
	second, d := s.push()
	s.wantStatus(d, http.StatusAccepted)
	s.awaitStatus(second, "success")
	s.shop.Rename("depot")
	third := s.shop.Push("main", nil)
	s.Settle() // of the push itself nobody tells
	s.wantStatus(s.app.Deliver(t.Context(), apptest.Event{
		Name: "repository", Action: "renamed", Repository: s.shop,
		Payload: map[string]any{"changes": map[string]any{"repository": map[string]any{"name": map[string]any{"from": "store"}}}},
	}), http.StatusAccepted)
	s.awaitStatus(third, "success")
	s.agent.stop()
	s.wantRan(s.first, second, third)
}

// TestInstallationIsToldOf mends what kitops has believed, or rests upon, for much longer than the test takes.
func TestInstallationIsToldOf(t *testing.T) {
	s := newHookScene(t)
	s.installation.Uninstall()
	s.serve(slices.Concat(s.tasks(strings.Replace(watchShop, "    interval", "    github: {}\n    interval", 1)), s.listening())...)
	s.agent.says("poll failed.*does not reach the repository acme/shop", 1)
	s.installation = s.app.Install("acme", nil)
	s.wantStatus(s.app.Deliver(t.Context(), s.installed("installation", "created")), http.StatusAccepted)
	s.awaitStatus(s.first, "success")
	s.agent.stop()
	s.wantRan(s.first)
}

func TestRepositoryIsAddedToAPattern(t *testing.T) {
	s := newHookScene(t)
	s.serve(slices.Concat(s.tasks(`
tasks:
  - name: all
    git: {urls: ["$GITHUB/acme/*"], branch: main}
    on_new: run
    interval: 1h
    actions: [{run: 'echo ${DOLLAR}KITOPS_SHA >> $PLACE/ran'}]
`), s.listening())...)
	s.awaitStatus(s.first, "success")
	added := s.AddRepository("acme", "added", apptest.RepositoryOptions{Private: true})
	sha := added.Push("main", nil)
	s.wantStatus(s.app.Deliver(t.Context(), s.installed("installation_repositories", "added")), http.StatusAccepted)
	s.await("the run on the repository that was added", func() bool {
		all := added.Statuses(sha)
		return len(all) > 0 && all[len(all)-1].State == "success"
	})
	next := added.Push("main", nil)
	s.wantStatus(s.app.Deliver(t.Context(), added.PushEvent("refs/heads/main", sha, next)), http.StatusAccepted)
	s.await("the run on the push that followed", func() bool { return slices.Contains(s.ran(), next) })
	s.agent.stop()
	s.wantRan(s.first, sha, next)
}

// TestDefaultBranchThatSwitches is told of before all of GitHub knows: the new one runs, and a push to the old one no more.
func TestDefaultBranchThatSwitches(t *testing.T) {
	s := newHookScene(t)
	s.serve(slices.Concat(s.tasks(strings.Replace(watchShop, ", branch: main", "", 1)), s.listening())...)
	s.awaitStatus(s.first, "success")
	trunk := s.shop.Push("trunk", nil)
	s.shop.SetDefaultBranch("trunk")
	s.shop.Push("main", nil)
	s.wantStatus(s.app.Deliver(t.Context(), apptest.Event{Name: "repository", Action: "edited", Repository: s.shop}), http.StatusAccepted)
	s.awaitStatus(trunk, "success")
	s.agent.stop()
	s.wantRan(s.first, trunk)
}

// TestDeletedRepositoryIsForgotten at once, where GitHub does not list it any more; who only says so achieves nothing. One that
// the App has lost is remembered, since it may return.
func TestDeletedRepositoryIsForgotten(t *testing.T) {
	s := newHookScene(t)
	old, lost := s.private("acme", "old"), s.private("acme", "lost")
	old.Push("main", nil)
	lost.Push("main", nil)
	s.serve(slices.Concat(s.tasks(`
tasks:
  - name: all
    git: {urls: ["$GITHUB/acme/*"], branch: main}
    interval: 1h
    actions: [{run: 'echo ${DOLLAR}KITOPS_SHA >> $PLACE/ran'}]
`), s.listening())...)
	s.agent.says("remembered, not run", 3)
	untrue := apptest.Event{Name: "repository", Action: "deleted", Repository: s.shop}
	s.wantStatus(s.app.Deliver(t.Context(), untrue), http.StatusAccepted)
	s.installation.SetRepositories(s.shop, old)
	s.wantStatus(s.app.Deliver(t.Context(), s.installed("installation_repositories", "removed")), http.StatusAccepted)
	s.remembers(false, "all@acme/lost")
	gone := apptest.Event{Name: "repository", Action: "deleted", Payload: map[string]any{"repository": map[string]any{
		"id": old.ID, "full_name": "acme/old", "clone_url": old.CloneURL(),
	}}}
	old.Delete()
	s.wantStatus(s.app.Deliver(t.Context(), gone), http.StatusAccepted)
	if !eventually(func() bool { return !strings.Contains(s.read("state.yaml"), "all@acme/old") }) {
		t.Errorf("it is still remembered\n%s", s.read("state.yaml"))
	}
	second, _ := s.push()
	s.awaitStatus(second, "success")
	s.agent.stop()
	s.remembers(true, "all@acme/shop")
	if !strings.Contains(s.read("state.yaml"), "all@acme/lost") {
		t.Errorf("what the App has lost is forgotten\n%s", s.read("state.yaml"))
	}
	s.wantRan(second)
}

// TestReinstalledAppGoesOn from where it was: what was pushed meanwhile runs.
func TestReinstalledAppGoesOn(t *testing.T) {
	s := newHookScene(t)
	s.serve(slices.Concat(s.tasks(strings.Replace(watchShop, "url: $GITHUB/acme/shop", `urls: ["$GITHUB/acme/*"]`, 1)), s.listening())...)
	s.agent.says("remembered, not run", 1)
	s.installation.Uninstall()
	s.wantStatus(s.app.Deliver(t.Context(), s.installed("installation", "deleted")), http.StatusAccepted)
	s.remembers(false, "shop@acme/shop")
	second := s.shop.Push("main", nil)
	s.installation = s.app.Install("acme", nil)
	s.Settle()
	s.wantStatus(s.app.Deliver(t.Context(), s.installed("installation", "created")), http.StatusAccepted)
	s.awaitStatus(second, "success")
	s.agent.stop()
	s.wantRan(second)
}

// TestWebhookWithoutAnApp is one that belongs to the repository, for an agent that knows nothing of GitHub.
func TestWebhookWithoutAnApp(t *testing.T) {
	s := newHookScene(t)
	s.shop.SetPrivate(false)
	args := s.tasks(watchShop)
	s.serve(slices.Concat(args[len(args)-2:], s.listening())...)
	s.agent.says("outcome=success", 1)
	second, d := s.push()
	s.wantStatus(d, http.StatusAccepted)
	s.agent.says("outcome=success", 2)
	s.agent.stop()
	s.wantRan(s.first, second)
}
