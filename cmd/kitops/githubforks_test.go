//go:build unix

package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// reads are the permissions of an App that reads pull requests and what is said of them.
func reads(more ...string) apptest.Permissions {
	all := apptest.Permissions{"contents": "read", "statuses": "write", "pull_requests": "read", "issues": "read"}
	for _, name := range more {
		all[name] = "write"
	}
	return all
}

// forkCheckScene is one with check runs, in which stranger has forked acme/shop and opened a pull request whose run fails. It
// returns the flags of its task.
func forkCheckScene(t *testing.T) (s *checkScene, stranger *apptest.Account, open *apptest.Pull, args []string) {
	t.Helper()
	s = newCheckScene(t)
	s.installation.SetPermissions(reads("checks"))
	stranger = s.AddUser("stranger")
	fork := s.AddRepository("stranger", "shop", apptest.RepositoryOptions{})
	open = s.shop.OpenPull("stranger", apptest.PullOptions{Branch: "main", From: fork, Files: map[string]string{"broken": "1"}})
	text := strings.Replace(pullTask, "on_new: run\n", "on_new: run\n    github: {report: check}\n", 1)
	return s, stranger, open, append(s.tasks(strings.Replace(text, "MORE", "from: approved", 1)), "--untrusted-user", "same", "--deliveries-interval", "100ms")
}

// TestForkIsApprovedByAButton of the check run that says what it waits for; its author approves of nothing, and runs nothing
// again, also not what somebody else has approved of before.
func TestForkIsApprovedByAButton(t *testing.T) {
	s, stranger, open, args := forkCheckScene(t)
	head := open.Head()
	agent := s.start(args...)
	asked := s.awaitChecks(head, "action_required")[0]
	wantWords(t, asked.Output.Title, "waits for approval of "+head[:7]+": somebody who may write comments /kitops run "+head[:7])
	s.deliver(s.shop.RequestAction(asked, "approve", stranger))
	s.deliver(s.shop.RequestAction(asked, "approve", s.bob))
	agent.says("who clicked may not write to the repository", 2)
	s.deliver(s.shop.Rerequest(asked, stranger))
	asked = s.awaitChecks(head, "action_required", "action_required")[1]
	wantWords(t, asked.Output.Summary, "Not run again: stranger may not write")
	s.idle()
	if told := s.read("told"); told != "" {
		t.Fatalf("it ran:\n%s\n%s", told, s.story())
	}
	approve := s.shop.RequestAction(asked, "approve", s.anna)
	s.deliver(approve)
	red := s.awaitChecks(head, "action_required", "action_required", "failure")[2]
	s.deliver(s.shop.Rerequest(red, stranger))
	red = s.awaitChecks(head, "action_required", "action_required", "failure", "failure")[3]
	wantWords(t, red.Output.Summary, "Not run again: stranger may not write")
	s.deliver(approve) // is used
	agent.stop()
	agent = s.start(args...)
	s.idle()
	if n := s.tells(head); n != 1 {
		t.Errorf("ran %d times\n%s", n, s.story())
	}
	s.deliver(s.shop.Rerequest(red, s.anna))
	s.await("another run", func() bool { return s.tells(head) == 2 })
	s.awaitChecks(head, "action_required", "action_required", "failure", "failure", "failure")
	agent.stop()
}

// TestReopenedForkIsApprovedAnew, by whatever it was approved before it was closed.
func TestReopenedForkIsApprovedAnew(t *testing.T) {
	s, _, open := forkScene(t)
	head := open.Head()
	for n, approve := range []func(){
		func() { open.Comment("writer", "/kitops run "+head) },
		func() { open.Review("admin", "APPROVED", head) },
		func() { open.Comment("writer", "/kitops run "+head) },
	} {
		agent := s.start(s.approved()...)
		agent.says("waits for approval of "+head[:7], n+1)
		s.idle()
		if s.tells(head) != n {
			t.Fatalf("ran %d times, want %d\n%s", s.tells(head), n, s.story())
		}
		approve()
		s.await("a run", func() bool { return s.tells(head) == n+1 })
		s.awaitStatus(head, "success")
		open.Close()
		agent.says("pull request is closed or no longer watched, forgotten", n+1)
		agent.stop()
		open.Reopen()
	}
}

// TestForkByPaths is compared with the commit at which it has left the base branch, whatever has come there since, and later
// with what was applied.
func TestForkByPaths(t *testing.T) {
	s, _, other := forkScene(t)
	fork := s.AddRepository("stranger", "second", apptest.RepositoryOptions{})
	open := s.shop.OpenPull("stranger", apptest.PullOptions{Branch: "api", From: fork, Files: map[string]string{"api/a": "1", "web/b": "1"}})
	s.shop.Push("main", map[string]string{"api/main": "1"})
	text := strings.NewReplacer("MORE", "from: approved", "test ! -e broken", "cat ${DOLLAR}KITOPS_CHANGED_FILES >> ${PLACE}/changed", "    actions:", "    paths: ['api/**']\n    actions:").Replace(pullTask)
	agent := s.start(append(s.tasks(text), "--untrusted-user", "same")...)
	first := open.Head()
	for _, pull := range []*apptest.Pull{open, other} {
		agent.says("waits for approval of "+pull.Head()[:7], 1)
		pull.Comment("writer", "/kitops run "+pull.Head())
	}
	if status := s.awaitStatus(other.Head(), "success"); !strings.HasSuffix(status.Description, "nothing to run: no change below api/, approved by writer") {
		t.Error(status.Description)
	}
	s.awaitStatus(first, "success")
	second := open.Push(map[string]string{"web/b": "2"})
	agent.says("waits for approval of "+second[:7], 1)
	open.Comment("writer", "/kitops run "+second)
	if status := s.awaitStatus(second, "success"); !strings.HasSuffix(status.Description, "nothing to run: no change below api/, approved by writer") {
		t.Error(status.Description)
	}
	agent.stop()
	if changed := s.read("changed"); strings.TrimSpace(changed) != "api/a" || s.tells(first) != 1 || strings.Count(s.read("told"), "\n") != 1 {
		t.Errorf("%q\n%s", changed, s.read("told"))
	}
}

// TestForkBringsItsActions, and gets neither the keys nor the users that it writes into its file.
func TestForkBringsItsActions(t *testing.T) {
	s, _, open := forkScene(t)
	s.write("secret", "a secret of the operator")
	args := append(s.tasks(`
tasks:
  - name: check
    git: {url: "${GITHUB}/acme/shop.git"}
    on_new: run
    pull_requests: {from: approved}
    config: .kitops.yaml
    allow: {github_token: true, secrets: [DEPLOY]}
    secrets: {DEPLOY: {file: "${PLACE}/secret"}}
`), "--untrusted-user", "same", "--trust-pushers")
	agent := s.start(args...)
	bring := func(file, state string) string {
		t.Helper()
		head := open.Push(map[string]string{".kitops.yaml": file})
		agent.says("waits for approval of "+head[:7], 1)
		open.Comment("writer", "/kitops run "+head)
		return s.awaitStatus(head, state).Description
	}
	bring("actions: [{name: mine, run: 'echo \"$KITOPS_REF <$DEPLOY$GITHUB_TOKEN>\" >> "+s.path("told")+"', secrets: [DEPLOY], github_token: true}]\n", "success")
	if told := s.read("told"); told != "refs/pull/1/head <>\n" {
		t.Error(told)
	}
	for file, want := range map[string]string{
		"actions: [{run: 'true', user: root}]\n":                     "user",
		"actions: [{run: 'true', inherit_environment: true}]\n":      "inherit_environment is not allowed",
		"actions: [{run: 'true', secrets: [OTHER]}]\n":               "OTHER",
		"secrets: {KEY: {file: /etc/shadow}}\nactions: [{run: x}]\n": "secrets",
		"actions: [{run: 'true'}]\ngithub: {app_id: 1}\n":            "github",
	} {
		wantWords(t, bring(file, "error"), ".kitops.yaml:", want)
	}
	wantWords(t, bring("branches: [main]\nactions: [{run: touch "+s.path("evil")+"}]\n", "success"), "nothing to run")
	agent.stop()
	if s.exists("evil") {
		t.Error("it ran")
	}
}

// TestForkAndBranchAtOneCommit: what the run of the branch says stands, whatever the fork's does later.
func TestForkAndBranchAtOneCommit(t *testing.T) {
	s, _, open := forkScene(t)
	head := open.Head()
	text := strings.NewReplacer("MORE", "from: approved", "shop.git\"}", "shop.git\", branches: ['side*']}", "test ! -e broken", "case ${DOLLAR}KITOPS_REF in refs/pull/*) exit 1;; esac").Replace(pullTask)
	agent := s.start(append(s.tasks(text), "--untrusted-user", "same")...)
	s.awaitStatus(head, "pending")
	s.shop.SetHead("side", head)
	s.awaitStatus(head, "success")
	s.shop.SetHead("side", "")
	said := len(s.said(head))
	s.idle()
	open.Comment("writer", "/kitops run "+head)
	agent.says("run finished.*ref=refs/pull/1/head", 1)
	s.idle()
	agent.stop()
	if after := s.said(head); len(after) != said || after[said-1] != "success" {
		t.Errorf("%v, of which %d before\n%s", after, said, s.story())
	}
}

// TestFewPullRequestsOfOneAuthor run and wait at a time, and the commits of the others say so.
func TestFewPullRequestsOfOneAuthor(t *testing.T) {
	s, _, first := forkScene(t)
	fork := s.AddRepository("stranger", "second", apptest.RepositoryOptions{})
	more := func(branch string) *apptest.Pull {
		return s.shop.OpenPull("stranger", apptest.PullOptions{Branch: branch, From: fork, Files: map[string]string{branch: "1"}})
	}
	second, third := more("b"), more("c")
	agent := s.start(append(s.pulls("from: approved, max: 2"), "--untrusted-user", "same")...)
	const ahead = "waits: 2 pull requests of stranger are ahead"
	if status := s.awaitStatus(third.Head(), "pending"); status.Description != "check: "+ahead {
		t.Error(status.Description)
	}
	wantWords(t, s.awaitStatus(second.Head(), "pending").Description, "waits for approval of "+second.Head()[:7])
	wantWords(t, s.ends(0, "status", "check", "--control", s.path("state.yaml.sock")), ahead)
	first.Close()
	s.await("its turn", func() bool {
		all := s.statuses(third.Head())
		return strings.Contains(all[len(all)-1].Description, "waits for approval of "+third.Head()[:7])
	})
	agent.stop()
}

// TestReactions tell who may write what has become of a comment, where the App may write; nothing depends on them, and
// nobody else gets one.
func TestReactions(t *testing.T) {
	s, _, open := forkScene(t)
	s.installation.SetPermissions(reads("pull_requests"))
	head := open.Head()
	agent := s.start(s.approved()...)
	agent.says("waits for approval of "+head[:7], 1)
	open.Comment("stranger", "/kitops run")
	open.Comment("stranger", "/kitops run "+head)
	open.Comment("writer", "/kitops run")
	open.Comment("writer", "thank you")
	reactions := func(on int) []string { return open.Comments()[on].Reactions }
	s.await("a reaction", func() bool { return slices.Equal(reactions(2), []string{"confused"}) })
	open.Comment("writer", "/kitops run "+head)
	s.awaitStatus(head, "success")
	s.await("a reaction", func() bool { return slices.Equal(reactions(4), []string{"+1"}) })
	if n := len(reactions(0)) + len(reactions(1)) + len(reactions(3)); n > 0 {
		t.Errorf("%d reactions more: %+v", n, open.Comments())
	}
	lost := apptest.Filter{Method: http.MethodPost, Path: "/repos/*/*/issues/comments/*/reactions"}
	s.Inject(lost, 0, apptest.Fail(http.StatusBadGateway, ""))
	second := open.Push(map[string]string{"a": "2"})
	agent.says("waits for approval of "+second[:7], 1)
	open.Comment("writer", "/kitops run "+second)
	s.awaitStatus(second, "success")
	s.installation.SetPermissions(reads())
	third := open.Push(map[string]string{"a": "3"})
	agent.says("waits for approval of "+third[:7], 1)
	open.Comment("writer", "/kitops run "+third)
	s.awaitStatus(third, "success")
	agent.stop()
}
