//go:build unix

package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

const pullTask = `tasks:
  - name: check
    git: {url: "${GITHUB}/acme/shop.git"}
    on_new: run
    pull_requests: {base: [main], MORE}
    actions:
      - run: |
          echo ${DOLLAR}KITOPS_PULL_REQUEST ${DOLLAR}KITOPS_REF ${DOLLAR}KITOPS_SHA ${DOLLAR}KITOPS_BASE_REF ${DOLLAR}KITOPS_BASE_SHA ${DOLLAR}KITOPS_HEAD_SHA ${DOLLAR}KITOPS_HEAD_REPOSITORY >> ${PLACE}/told
          test ! -e broken
`

// pullScene is one in which the App reads pull requests. writer may push, and stranger may not.
func pullScene(t *testing.T) *scene {
	t.Helper()
	s := newPromptScene(t, apptest.Options{})
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write", "pull_requests": "read"})
	s.AddUser("writer")
	s.AddUser("stranger")
	s.AddUser("dependabot[bot]")
	return s
}

func (s *scene) pulls(more string) []string {
	return s.tasks(strings.ReplaceAll(pullTask, "MORE", more))
}

// listed are the prefixes of the refs that git was asked to list so far. None leads to pull requests, of which there may be
// thousands: the API tells them, and what runs is fetched by its SHA.
func (s *scene) listed() (prefixes []string) {
	s.t.Helper()
	raws, err := s.Raws()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range raws {
		if strings.Contains(r.Target, "service=git-upload-pack") && r.Header.Get("Git-Protocol") != "version=2" {
			s.t.Errorf("all refs are listed by %s", r.Target)
		}
		if strings.Contains(r.Target, "/matching-refs/pull") {
			s.t.Errorf("pull requests are listed by %s", r.Target)
		}
		if !strings.Contains(r.Target, "/git-upload-pack") {
			continue
		}
		asked := strings.Split(string(r.Body), "ref-prefix ")[1:]
		if strings.Contains(string(r.Body), "refs/pull") || strings.Contains(string(r.Body), "command=ls-refs") && len(asked) == 0 {
			s.t.Errorf("pull requests are listed by\n%s", r.Body)
		}
		for _, prefix := range asked {
			prefix, _, _ = strings.Cut(prefix, "\n")
			if strings.HasPrefix("refs/pull/", prefix) {
				s.t.Errorf("pull requests are below %s, which is listed", prefix)
			}
			prefixes = append(prefixes, prefix)
		}
	}
	return prefixes
}

// TestPullRequestsOfTheRepository: each head runs once, on itself; those of forks, of bots, drafts and those for
// another branch never, and nothing of a closed one.
func TestPullRequestsOfTheRepository(t *testing.T) {
	s := pullScene(t)
	fork := s.AddRepository("acme", "fork", apptest.RepositoryOptions{})
	open := s.shop.OpenPull("writer", apptest.PullOptions{Branch: "feature", Files: map[string]string{"a": "1"}})
	s.shop.OpenPull("stranger", apptest.PullOptions{Branch: "evil", From: fork, Files: map[string]string{"evil": "1"}})
	s.shop.OpenPull("dependabot[bot]", apptest.PullOptions{Branch: "dependabot/npm", Files: map[string]string{"evil": "2"}})
	draft := s.shop.OpenPull("writer", apptest.PullOptions{Branch: "draft", Draft: true, Files: map[string]string{"d": "1"}})
	s.shop.Push("release", nil)
	s.shop.OpenPull("writer", apptest.PullOptions{Branch: "backport", Base: "release", Files: map[string]string{"b": "1"}})
	first := open.Head()
	agent := s.start(s.pulls("drafts: false")...)
	s.awaitStatus(first, "success")
	second := open.Push(map[string]string{"broken": "1"})
	s.awaitStatus(second, "failure")
	draft.SetDraft(false)
	s.awaitStatus(draft.Head(), "success")
	open.Close()
	agent.says("pull request is closed or no longer watched, forgotten.* ref=refs/pull/1/head", 1)

	s.Reset()
	lists := apptest.Filter{Path: "/repos/acme/shop/pulls"}
	s.await("idle polls", func() bool { return s.Count(lists) >= 3 })
	agent.stop()
	lists.Status = http.StatusNotModified
	if all := s.Count(apptest.Filter{Path: "/**"}); s.Count(lists) < all-1 {
		t.Errorf("%d requests, of which %d were lists that had not changed", all, s.Count(lists))
	}
	s.listed()
	base := " main " + s.first + " "
	want := "1 refs/pull/1/head " + first + base + first + " acme/shop\n" +
		"1 refs/pull/1/head " + second + base + second + " acme/shop\n" +
		"4 refs/pull/4/head " + draft.Head() + base + draft.Head() + " acme/shop\n"
	if told := s.read("told"); told != want {
		t.Errorf("got\n%swant\n%s%s", told, want, s.story())
	}
}

// TestPullRequestAsMerged: only a merge of this head and the base branch runs, and a conflict is a failure. The
// status is the head's. Both parents are there, for git and for the paths.
func TestPullRequestAsMerged(t *testing.T) {
	s := pullScene(t)
	open := s.shop.OpenPull("writer", apptest.PullOptions{Branch: "feature", Files: map[string]string{"a": "1"}})
	stale := open.MakeMerge()
	head := open.Push(map[string]string{"a": "2"})
	open.SetMerge(stale, true) // which GitHub may show for a while
	text := strings.Replace(pullTask, `shop.git"}`, "shop.git\", history: 2}\n    paths: [a]", 1) +
		"          (git rev-parse HEAD HEAD^1 HEAD^2; git diff --name-only HEAD^1 HEAD^2; cat ${DOLLAR}KITOPS_CHANGED_FILES) >> ${PLACE}/parents\n"
	agent := s.start(s.tasks(strings.ReplaceAll(text, "MORE", "on: merge"))...)
	agent.says("not one of this head and main", 1)
	merge := open.MakeMerge()
	s.awaitStatus(head, "success")
	conflicting := open.Push(map[string]string{"a": "3"})
	open.SetMerge("", false)
	if status := s.awaitStatus(conflicting, "failure"); !strings.Contains(status.Description, "conflicts with main") {
		t.Error(status.Description)
	}
	agent.stop()
	s.listed()
	if want := "1 refs/pull/1/head " + merge + " main " + s.first + " " + head + " acme/shop\n"; s.read("told") != want {
		t.Errorf("got %s, want %s", s.read("told"), want)
	}
	if want := fmt.Sprintf("%s\n%s\n%s\na\na\n", merge, s.first, head); s.read("parents") != want {
		t.Errorf("got %s, want %s", s.read("parents"), want)
	}
	if len(s.statuses(merge)) > 0 {
		t.Error("the merge has a status")
	}
}

// TestPullRequestOfAWatchedBranch runs once, as the branch, also where git tells where that is.
func TestPullRequestOfAWatchedBranch(t *testing.T) {
	s := pullScene(t)
	open := s.shop.OpenPull("writer", apptest.PullOptions{Branch: "feature", Files: map[string]string{"a": "1"}})
	args := s.tasks(strings.Replace(strings.ReplaceAll(pullTask, "MORE", "on: head"), "shop.git\"}", "shop.git\", branches: [\"**\", \"!main\"], tags: [\"v*\"]}", 1))
	agent := s.start(args...)
	s.awaitStatus(open.Head(), "success")
	second := open.Push(map[string]string{"a": "2"})
	s.awaitStatus(second, "success")
	s.Inject(apptest.Filter{Path: "/repos/acme/shop/git/matching-refs/**"}, 0, apptest.Fail(http.StatusServiceUnavailable, ""))
	s.awaitStatus(open.Push(map[string]string{"a": "3"}), "success")
	agent.stop()
	if listed := s.listed(); !slices.Contains(listed, "refs/heads/") || !slices.Contains(listed, "refs/tags/v") {
		t.Errorf("listed: %q", listed)
	}
	if told := s.read("told"); strings.Count(told, "\n") != 3 || strings.Contains(told, "refs/pull/") {
		t.Error(told)
	}
}

// TestPullRequestThatIsClosedWhileItRuns: the run is cancelled, as by a newer head, and the commits hear why.
func TestPullRequestThatIsClosedWhileItRuns(t *testing.T) {
	s := pullScene(t)
	open := s.shop.OpenPull("writer", apptest.PullOptions{Branch: "feature", Files: map[string]string{"a": "1"}})
	first := open.Head()
	text := strings.Replace(pullTask, "test ! -e broken", "sleep 1000", 1)
	agent := s.start(s.tasks(strings.ReplaceAll(text, "MORE", "on: head"))...)
	runs := func(n int) {
		s.await("a run", func() bool { return strings.Count(s.read("told"), "\n") == n })
	}
	runs(1)
	second := open.Push(map[string]string{"a": "2"})
	if status := s.awaitStatus(first, "failure"); !strings.HasSuffix(status.Description, "superseded by "+second[:7]) {
		t.Error(status.Description)
	}
	runs(2)
	open.Close()
	if status := s.awaitStatus(second, "failure"); !strings.HasSuffix(status.Description, "the pull request is closed or no longer watched") {
		t.Error(status.Description)
	}
	agent.says("pull request is closed or no longer watched, forgotten.* ref=refs/pull/1/head", 1)
	agent.stop()
	runs(2)
}

// TestPullRequestsNeedAPermission: the error says which.
func TestPullRequestsNeedAPermission(t *testing.T) {
	s := newPromptScene(t, apptest.Options{})
	wantWords(t, s.once(1, s.pulls("on: head")...), "does not grant pull_requests:read")
}
