//go:build unix

package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

const tagTasks = `tasks:
  - name: each
    git: {url: "${GITHUB}/acme/shop.git", tags: ["v*"]}
    actions: [{run: "echo each $${DOLLAR}KITOPS_TAG $${DOLLAR}KITOPS_SHA $${DOLLAR}KITOPS_TAG_SHA >> ${PLACE}/told"}]
  - name: highest
    git: {url: "${GITHUB}/acme/shop.git", tags: {semver: "<3"}}
    actions: [{run: "echo highest $${DOLLAR}KITOPS_TAG $${DOLLAR}KITOPS_SHA $${DOLLAR}KITOPS_TAG_SHA >> ${PLACE}/told"}]
`

// TestTagsOnGitHub: the status is the commit's, the tag's own object is told, and an idle look is one request that costs nothing.
func TestTagsOnGitHub(t *testing.T) {
	s := newPromptScene(t, apptest.Options{})
	object := s.shop.Tag("v1.0.0", s.first)
	args := s.tasks(strings.ReplaceAll(tagTasks, "$${DOLLAR}", "${DOLLAR}"))
	agent := s.start(args...)
	s.awaitStatus(s.first, "success")
	second := s.shop.Push("main", nil)
	moved := s.shop.Tag("v1.1.0", second)
	agent.says("task=each ref=refs/tags/v1.1.0 .*outcome=success", 1)
	agent.says("task=highest ref=refs/tags/v1.1.0 .*outcome=success", 1)
	third := s.shop.Push("main", nil)
	s.shop.SetRef("refs/tags/v1.1.0", third)
	s.await("the moved version is an error", func() bool {
		for _, status := range s.statuses(third) {
			if status.Context == "kitops/highest" && status.State == "error" && strings.Contains(status.Description, "v1.1.0 was moved from") {
				return true
			}
		}
		return false
	})
	agent.says("task=each ref=refs/tags/v1.1.0 sha="+third+" .*outcome=success", 1)
	told := s.read("told")
	wantWords(t, told, "highest v1.0.0 "+s.first+" "+object, "each v1.1.0 "+second+" "+moved, "highest v1.1.0 "+second+" "+moved, "each v1.1.0 "+third+" "+third)
	if strings.Count(told, "\n") != 4 {
		t.Error(told)
	}
	s.Reset()
	lists := apptest.Filter{Path: "/repos/acme/shop/git/matching-refs/**"}
	s.await("idle polls", func() bool { return s.Count(lists) >= 6 })
	agent.stop()
	lists.Status = http.StatusNotModified
	if all := s.Count(apptest.Filter{Path: "/repos/**"}); s.Count(lists) < all-1 || s.Count(apptest.Filter{Path: "/acme/**"}) > 0 {
		t.Errorf("%d requests, of which %d were lists that had not changed", all, s.Count(lists))
	}
}
