//go:build unix

package main

import (
	"net/http"
	"slices"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// TestGitHubThatLags knows of tokens, permissions and commits too late, and nothing of that is a failure: not of a look, not of
// a run, and no status is lost.
func TestGitHubThatLags(t *testing.T) {
	s := newPromptScene(t, apptest.Options{Lag: apptest.Lag{Token: 2 * lagged, Permissions: lagged, Commit: 10 * lagged}})
	agent := s.start(s.task(note)...)
	s.awaitStatus(s.first, "success")
	second := s.shop.Push("main", nil)
	s.awaitStatus(second, "success")
	agent.stop()
	s.wantRan(s.first, second)
	if n := s.Count(apptest.Filter{Method: http.MethodPost, Path: tokenRequests.Path, Status: http.StatusCreated}); n != 1 {
		t.Errorf("%d tokens, want 1\n%s", n, s.story())
	}
	if refused := s.Count(apptest.Filter{Status: http.StatusUnauthorized}); refused == 0 {
		t.Error("the token was known at once")
	}
	for _, status := range slices.Concat(s.statuses(s.first), s.statuses(second)) {
		if status.State == "error" || status.State == "failure" {
			t.Errorf("a young token is a failure: %+v", status)
		}
	}
	if n := s.count("level=ERROR") + s.count("GitHub refused the commit status"); n > 0 {
		t.Errorf("%d lines of errors\n%s", n, s.story())
	}
}

// TestStatusOfACommitThatHasNotArrived is refused at first, and then taken.
func TestStatusOfACommitThatHasNotArrived(t *testing.T) {
	s := newPromptScene(t, apptest.Options{Lag: apptest.Lag{Commit: 10 * lagged}})
	agent := s.start(s.task(note)...)
	s.awaitStatus(s.first, "success")
	second := s.shop.Push("main", nil)
	s.awaitStatus(second, "success")
	agent.stop()
	if refused := s.Count(apptest.Filter{Path: statusPosts.Path, Status: http.StatusUnprocessableEntity}); refused == 0 {
		t.Error("the commit was known at once")
	}
	if n := s.count("GitHub refused the commit status"); n > 0 {
		t.Errorf("a status was given up\n%s", s.story())
	}
}

// TestTokenForAnActionWorksAtOnce although GitHub does not know it at first.
func TestTokenForAnActionWorksAtOnce(t *testing.T) {
	s := newPromptScene(t, apptest.Options{Lag: apptest.Lag{Token: lagged}})
	agent := s.start(s.tasks(`
tasks:
  - name: shop
    git: {url: "${GITHUB}/acme/shop", branch: main}
    actions:
      - name: ask
        github_token: {contents: read}
        run: git ls-remote ${GITHUB}/acme/shop > ${PLACE}/heads && echo ${DOLLAR}KITOPS_SHA >> ${PLACE}/ran
`)...)
	s.awaitStatus(s.first, "success")
	agent.stop()
	s.wantRan(s.first)
	s.wantSaid(s.first, "pending", "success")
}
