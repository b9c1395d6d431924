//go:build unix

package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// pushing is an action that pushes another commit to the branch that it runs for.
const pushing = `rm -rf work && git clone -q $GITHUB/acme/shop work && cd work && echo $KITOPS_SHA >> $PLACE/ran
test $(wc -l < $PLACE/ran) -lt 4 || exit 0
git -c user.name=anna -c user.email=anna@example.com commit -q --allow-empty -m bump && git push -q origin HEAD:main
`

// pushingScene has a task that pushes, whose token may.
func pushingScene(t *testing.T, more string) (*scene, []string) {
	t.Helper()
	s := newPromptScene(t, apptest.Options{})
	s.env = append(s.env, "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null")
	s.installation.SetPermissions(apptest.Permissions{"contents": "write", "statuses": "write"})
	args := s.granting("{contents: write}", pushing)
	s.write("tasks.yaml", strings.Replace(s.read("tasks.yaml"), "    actions:", more+"    actions:", 1))
	return s, args
}

// TestOwnPushesOnGitHub: polls alone find out who has pushed, whoever the commit says.
func TestOwnPushesOnGitHub(t *testing.T) {
	s, args := pushingScene(t, "")
	agent := s.start(args...)
	agent.says("outcome=success .*pushed by kitops itself: not run again", 1)
	own := s.shop.Head("main")
	if status := s.awaitStatus(own, "success"); status.Description != "shop: pushed by kitops itself: not run again" {
		t.Error(status.Description)
	}
	theirs := s.shop.Push("main", nil)
	agent.says("outcome=success .*pushed by kitops itself: not run again", 2)
	agent.stop()
	s.wantRan(s.first, theirs)
	if n := s.count("an action has pushed it with its github_token"); n != 1 {
		t.Errorf("warned %d times", n)
	}
}

// TestOwnPushesRun where the task says so.
func TestOwnPushesRun(t *testing.T) {
	s, args := pushingScene(t, "    own_pushes: run\n")
	agent := s.start(args...)
	agent.says("run finished.* outcome=success", 4)
	agent.stop()
	if ran := s.ran(); len(ran) != 4 || len(slices.Compact(slices.Clone(ran))) != 4 {
		t.Errorf("ran %v\n%s", ran, s.story())
	}
}

// TestSkippedOnRequestOnGitHub, of which also a task says so that says nothing of heads that concern it not.
func TestSkippedOnRequestOnGitHub(t *testing.T) {
	s := newPromptScene(t, apptest.Options{})
	agent := s.start(s.tasks(`tasks:
  - name: deploy
    git: {url: "${GITHUB}/acme/shop.git", branch: main}
    skip_ci: true
    on_nothing: silent
    paths: ["api/**"]
    actions: [{run: "echo ${DOLLAR}KITOPS_SHA >> ${PLACE}/ran"}]
`)...)
	s.awaitStatus(s.first, "success")
	skipped := s.shop.PushMessage("main", "Words\n\n[skip ci]\n", map[string]string{"api/a": "1"})
	if status := s.awaitStatus(skipped, "success"); status.Description != "deploy: skipped on request" {
		t.Error(status.Description)
	}
	elsewhere := s.shop.Push("main", map[string]string{"docs/a": "1"})
	agent.says("sha="+elsewhere+" .*nothing to run", 1)
	concerning := s.shop.Push("main", map[string]string{"api/a": "2"})
	s.awaitStatus(concerning, "success")
	agent.stop()
	s.wantRan(s.first, concerning)
	if said := s.said(elsewhere); len(said) > 0 {
		t.Errorf("said of what does not concern it: %v", said)
	}
}
