//go:build unix

package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// forkScene is one in which stranger has forked acme/shop and opened a pull request. The roles of the others are as they are
// called; writer may write, deployer by a role of the organization's own, which auditor and sorter have as well.
func forkScene(t *testing.T) (s *scene, users map[string]*apptest.Account, open *apptest.Pull) {
	t.Helper()
	s = newPromptScene(t, apptest.Options{})
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write", "pull_requests": "read", "issues": "read"})
	s.AddUser("stranger")
	users = map[string]*apptest.Account{}
	for login, role := range map[string]string{
		"writer": "write", "maintainer": "maintain", "admin": "admin", "reader": "read", "triager": "triage", "former": "write",
	} {
		users[login] = s.AddUser(login)
		users[login].SetRole(s.shop, role)
	}
	for login, base := range map[string]string{"auditor": "read", "sorter": "triage", "deployer": "write"} {
		users[login] = s.AddUser(login)
		users[login].SetCustomRole(s.shop, "admin of "+login, base)
	}
	fork := s.AddRepository("stranger", "shop", apptest.RepositoryOptions{})
	open = s.shop.OpenPull("stranger", apptest.PullOptions{Branch: "main", From: fork, Files: map[string]string{"a": "1"}})
	return s, users, open
}

// approved are the flags for a task that runs pull requests of forks with approval.
func (s *scene) approved() []string {
	return append(s.pulls("from: approved"), "--untrusted-user", "same")
}

// idle waits until kitops has polled some times more.
func (s *scene) idle() {
	s.t.Helper()
	lists := apptest.Filter{Path: "/repos/acme/shop/pulls"}
	before := s.Count(lists)
	s.await("polls", func() bool { return s.Count(lists) >= before+4 })
}

// tells are how often a revision was run.
func (s *scene) tells(sha string) int { return strings.Count(s.read("told"), " "+sha+" main ") }

// TestForkRunsOnceSomebodyHasApproved: a comment counts that is new, a person's who may write, and whose first line names the
// head and nothing else.
func TestForkRunsOnceSomebodyHasApproved(t *testing.T) {
	s, _, open := forkScene(t)
	first := open.Head()
	agent := s.start(s.approved()...)
	agent.says("waits for approval of "+first[:7], 1)
	way := "waits for approval of " + first[:7] + ": somebody who may write comments /kitops run " + first[:7]
	if status := s.awaitStatus(first, "pending"); status.Description != "check: "+way {
		t.Error(status.Description)
	}
	wantWords(t, s.ends(0, "status", "check", "--control", s.path("state.yaml.sock")), way)
	wantWords(t, s.ends(0, "status", "check", "--state-file", s.path("state.yaml"), "--control", "off"), way)
	for _, login := range []string{"reader", "stranger", "triager", "auditor", "sorter"} {
		open.Comment(login, "/kitops run "+first)
	}
	agent.says("who wrote it may not write to the repository", 5)
	for _, body := range []string{
		"/kitops run", "/kitops run " + first[:6], "/kitops run " + s.first, "> /kitops run " + first, "please\n/kitops run " + first, "    /kitops run " + first,
		"`/kitops run " + first + "`", "/kitops run " + first + " now", "/kitops start " + first, "/kitops run main", "",
	} {
		open.Comment("writer", body)
	}
	s.shop.EditComment(open.Comment("writer", "looks good"), "/kitops run "+first)
	s.shop.OpenPull("writer", apptest.PullOptions{Branch: "other", Draft: true, Files: map[string]string{"b": "1"}}).Comment("writer", "/kitops run "+first)
	s.idle()
	if told := s.read("told"); told != "" {
		t.Fatalf("it ran:\n%s\n%s", told, s.story())
	}
	open.Comment("deployer", "/kitops run "+first[:7]+"\r\nthank you")
	if status := s.awaitStatus(first, "success"); !strings.HasSuffix(status.Description, ", approved by deployer") {
		t.Error(status.Description)
	}

	second := open.Push(map[string]string{"a": "2"})
	agent.says("waits for approval of "+second[:7], 1)
	open.Comment("maintainer", "/kitops run "+strings.ToUpper(second))
	s.awaitStatus(second, "success")
	open.Comment("admin", "/kitops again "+second[:12])
	s.await("another run", func() bool { return s.tells(second) == 2 })
	open.Comment("reader", "/kitops again "+second[:12])
	s.idle()
	agent.stop()
	if s.tells(first) != 1 || s.tells(second) != 2 {
		t.Error(s.read("told"))
	}
}

// TestApprovalIsForOneHead: what was reviewed or named runs, and nothing that was pushed meanwhile.
func TestApprovalIsForOneHead(t *testing.T) {
	s, _, open := forkScene(t)
	first := open.Head()
	agent := s.start(s.approved()...)
	agent.says("waits for approval of "+first[:7], 1)
	agent.stop()

	open.Comment("writer", "/kitops run "+first)
	second := open.Push(map[string]string{"a": "2"}) // between the comment and the fetch
	open.Review("writer", "APPROVED", first)
	agent = s.start(s.approved()...)
	agent.says("waits for approval of "+second[:7], 1)
	open.Review("writer", "APPROVED", first)
	open.Review("reader", "APPROVED", second)
	open.Review("maintainer", "APPROVED", second)
	open.Review("maintainer", "CHANGES_REQUESTED", second)
	open.Review("admin", "APPROVED", second)
	open.Dismiss("admin")
	s.idle()
	if told := s.read("told"); told != "" {
		t.Fatalf("it ran:\n%s\n%s", told, s.story())
	}
	open.Review("writer", "APPROVED", second)
	s.awaitStatus(second, "success")
	open.Push(map[string]string{"a": "3"})
	s.idle()
	agent.stop()
	if s.tells(first) != 0 || s.tells(second) != 1 || strings.Count(s.read("told"), "\n") != 1 {
		t.Error(s.read("told"))
	}
}

// TestWhoMayNotWriteAnyMore has approved of nothing.
func TestWhoMayNotWriteAnyMore(t *testing.T) {
	s, users, open := forkScene(t)
	agent := s.start(s.approved()...)
	agent.says("waits for approval of "+open.Head()[:7], 1)
	agent.stop()
	open.Comment("former", "/kitops run "+open.Head())
	users["former"].SetRole(s.shop, "")
	agent = s.start(s.approved()...)
	agent.says("who wrote it may not write to the repository", 1)
	s.idle()
	agent.stop()
	if told := s.read("told"); told != "" {
		t.Error(told)
	}
}

// TestForkOfSomebodyWhoMayWrite needs nobody else's approval, but where others own the fork, or its author has lost the right.
func TestForkOfSomebodyWhoMayWrite(t *testing.T) {
	s, _, open := forkScene(t)
	own := s.AddRepository("writer", "shop", apptest.RepositoryOptions{})
	mine := s.shop.OpenPull("writer", apptest.PullOptions{Branch: "mine", From: own, Files: map[string]string{"b": "1"}})
	s.AddOrg("others")
	shared := s.AddRepository("others", "shop", apptest.RepositoryOptions{})
	theirs := s.shop.OpenPull("writer", apptest.PullOptions{Branch: "theirs", From: shared, Files: map[string]string{"c": "1"}})
	agent := s.start(s.approved()...)
	s.awaitStatus(mine.Head(), "success")
	agent.says("waits for approval of "+theirs.Head()[:7], 1)
	agent.says("waits for approval of "+open.Head()[:7], 1)
	agent.stop()
	if s.tells(mine.Head()) != 1 || strings.Count(s.read("told"), "\n") != 1 {
		t.Error(s.read("told"))
	}
}

// TestRunOfAForkIsCancelledByAComment of who may write.
func TestRunOfAForkIsCancelledByAComment(t *testing.T) {
	s, _, open := forkScene(t)
	args := append(s.tasks(strings.ReplaceAll(strings.Replace(pullTask, "test ! -e broken", "sleep 1000", 1), "MORE", "from: approved")), "--untrusted-user", "same")
	agent := s.start(args...)
	open.Comment("writer", "/kitops run "+open.Head())
	s.await("the run", func() bool { return s.tells(open.Head()) == 1 })
	open.Comment("stranger", "/kitops cancel")
	agent.says("who wrote it may not write to the repository", 1)
	open.Comment("writer", "/kitops cancel")
	if status := s.awaitStatus(open.Head(), "failure"); !strings.HasSuffix(status.Description, "cancelled by writer") {
		t.Error(status.Description)
	}
	s.idle()
	agent.stop()
	if s.tells(open.Head()) != 1 {
		t.Error(s.read("told"))
	}
}

// TestManyPullRequestsAndTags cost one request an idle poll of each kind that is watched, while one of them waits.
func TestManyPullRequestsAndTags(t *testing.T) {
	waits(t)
	s, _, _ := forkScene(t)
	large := s.AddRepository("acme", "large", apptest.RepositoryOptions{InMemory: true, Private: true})
	fork := s.AddRepository("stranger", "large", apptest.RepositoryOptions{InMemory: true})
	large.SetHead("main", fmt.Sprintf("%040x", 1))
	for n := range 3_000 {
		large.SetRef(fmt.Sprintf("refs/tags/v1.%d.0", n), fmt.Sprintf("%040x", n+1))
	}
	open := func(n int) *apptest.Pull {
		return large.OpenPull("stranger", apptest.PullOptions{Branch: fmt.Sprint("b", n), From: fork, SHA: fmt.Sprintf("%040x", n+100_000)})
	}
	const pulls = 60 // whose pages the stand-in writes in a second, with the race detector
	for n := range pulls {
		open(n)
	}
	for _, c := range []struct {
		git      string
		requests int
	}{{"", 1}, {`, tags: ["v*"]`, 2}} {
		tasks := strings.ReplaceAll(strings.ReplaceAll(pullTask, "    on_new: run\n", ""), "MORE", "from: approved")
		tasks = strings.Replace(tasks, "acme/shop.git\"", "acme/large.git\""+c.git, 1)
		for _, name := range []string{"state.yaml", "agent.log"} {
			_ = os.Remove(s.path(name))
		}
		agent := s.start(append(s.tasks(tasks), "--untrusted-user", "same")...)
		agent.says("remembered", 1)
		waiting := open(pulls + c.requests)
		agent.says("waits for approval of "+waiting.Head()[:7], 1)
		lists := apptest.Filter{Path: "/repos/acme/large/pulls"}
		s.await("all is known", func() bool { return s.Count(apptest.Filter{Path: "/repos/acme/large/issues/comments"}) >= 4 })
		s.Reset()
		s.await("idle polls", func() bool { return s.Count(lists) >= 10 })
		agent.stop()
		all := s.Count(apptest.Filter{Path: "/repos/acme/large/**"})
		if polls := s.Count(lists); all > c.requests*(polls+1) { // one may have been cut off
			t.Errorf("%d requests in %d idle polls", all, polls)
		}
	}
}
