//go:build unix

package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// deploys gives the App of a scene what deployments need.
func (s *scene) deploys() []string {
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write", "deployments": "write"})
	return []string{"--github-environment", "production", "--github-environment-url", "https://shop.example.com/{sha}"}
}

// deployed are the states of the deployments of a commit, the newest of each.
func (s *scene) deployed(sha string) (states []string) {
	for _, d := range s.shop.Deployments() {
		if d.SHA == sha {
			states = append(states, d.State())
		}
	}
	return states
}

// awaitDeployed waits until these are the newest states of the deployments of a commit.
func (s *scene) awaitDeployed(sha string, states ...string) {
	s.t.Helper()
	s.await("the deployments of "+sha+" are "+strings.Join(states, ", "), func() bool { return slices.Equal(s.deployed(sha), states) })
}

// TestDeploymentsOfAnAgent: a push, a failure and what is rolled back, beside the statuses.
func TestDeploymentsOfAnAgent(t *testing.T) {
	s := newScene(t, apptest.Options{})
	args := append(s.deploys(), s.task(`grep -q bad README.md && exit 1; `+note)...)
	agent := s.start(args...)
	s.awaitDeployed(s.first, "success")
	second := s.shop.Push("main", map[string]string{"b": "2"})
	s.awaitDeployed(second, "success")
	s.awaitDeployed(s.first, "inactive")
	third := s.shop.Push("main", map[string]string{"README.md": "bad"})
	s.awaitDeployed(third, "failure")
	s.awaitStatus(third, "failure")
	s.awaitDeployed(second, "success")
	s.ends(0, "rollback", "shop", "--to", s.first, "--state-file", s.path("state.yaml"))
	s.awaitDeployed(s.first, "inactive", "success")
	s.awaitDeployed(second, "inactive")
	agent.stop()
	last := s.shop.Deployments()[0].States
	if got := last[len(last)-2].EnvironmentURL; got != "https://shop.example.com/"+s.first {
		t.Errorf("the environment is at %s", got)
	}
}

// TestDeploymentsSurviveKills: whichever word to GitHub a SIGKILL meets, before or after GitHub has heard it, there is one
// deployment of each revision, and none stays in progress.
func TestDeploymentsSurviveKills(t *testing.T) {
	s := newPromptScene(t, apptest.Options{})
	args := append(s.deploys(), s.task(`sleep 0.2; `+note)...)
	args = append(args, "--github-status-context", "off")
	agent := s.start(args...)
	s.awaitDeployed(s.first, "success")
	words := apptest.Filter{Method: http.MethodPost, Path: "/repos/acme/shop/deployments{,/**}"}
	pass := func(w http.ResponseWriter, r *http.Request, next http.Handler, _ <-chan struct{}) {
		next.ServeHTTP(w, r)
	}
	former := s.first
	for word := range 4 { // made, in progress, success, the former one inactive
		for _, effect := range []apptest.Effect{apptest.Hang(), apptest.Cut(0)} {
			if word > 0 {
				s.Inject(words, word, pass)
			}
			met := s.Inject(words, 1, effect)
			next := s.shop.Push("main", map[string]string{"b": former})
			s.await("a word to GitHub is met", func() bool { return met.Hits() == 1 })
			agent.kill()
			met.Lift()
			agent = s.start(args...)
			s.awaitDeployed(next, "success")
			s.awaitDeployed(former, "inactive")
			former = next
		}
	}
	s.await("the last agent", func() bool { return s.count("kitops is watching") == 9 })
	agent.stop()
	if n := len(s.shop.Deployments()); n != 9 {
		t.Errorf("%d deployments of 9 revisions", n)
	}
}

// TestCommentOfARun: what a run writes is one comment on the pull request, without secrets, and the next run's takes its place.
func TestCommentOfARun(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.AddUser("mona")
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write", "pull_requests": "write"})
	s.write("password", "correct-horse\n")
	pull := s.shop.OpenPull("mona", apptest.PullOptions{Branch: "feature", Files: map[string]string{"file": "one"}})
	agent := s.start(s.tasks(`
tasks:
  - name: shop
    git: {url: $GITHUB/acme/shop, branches: ["**", "!main"]}
    on_new: run
    github: {comment: out/plan.md}
    secrets: {PASSWORD: {file: password}}
    actions: [{run: 'mkdir out && echo "$DOLLAR(cat file) with $DOLLAR{PASSWORD}" > out/plan.md'}]
`)...)
	says := func(want string) func() bool {
		return func() bool {
			all := pull.Comments()
			return len(all) == 1 && strings.HasSuffix(all[0].Body, "-->\n"+want)
		}
	}
	s.await("the comment", says("one with ***"))
	pull.Push(map[string]string{"file": "two"})
	s.await("the comment of the next run", says("two with ***"))
	agent.stop()
	if s.count("correct-horse") > 0 || strings.Contains(s.read("state.yaml"), "correct-horse") {
		t.Error("the secret is in the log or in the state")
	}
}
