//go:build unix

package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

const requiringTask = `tasks:
  - name: deploy
    git: {url: "${GITHUB}/acme/shop.git", branch: main}
    INTERVAL
    requires: ["ci/test", "build*@builds"]
    actions: [{run: "echo ${DOLLAR}KITOPS_SHA >> ${PLACE}/ran"}]
`

// requiringScene is one with a build server, and an App that says check runs.
func requiringScene(t *testing.T) (s *scene, builds *apptest.App) {
	t.Helper()
	s = newPromptScene(t, apptest.Options{})
	s.AddUser("jenkins")
	builds = s.RegisterApp("acme", "Builds", apptest.AppOptions{Permissions: apptest.Permissions{"checks": "write"}, Public: true})
	return s, builds
}

// why is what kitops status says of the task.
func (s *scene) why() string {
	s.t.Helper()
	return s.ends(0, "status", "--json", "--state-file", s.path("state.yaml"))
}

// TestRequiresOnGitHub: polls alone find out that what is required is there.
func TestRequiresOnGitHub(t *testing.T) {
	s, builds := requiringScene(t)
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write", "checks": "read"})
	agent := s.start(s.tasks(strings.ReplaceAll(requiringTask, "INTERVAL", ""))...)
	agent.says("task=deploy .*waits for build\\*@builds, ci/test", 1)
	s.shop.State("jenkins", s.first, "ci/test", "success")
	run := s.shop.Check(builds, s.first, "build-arm", "failure")
	agent.says("task=deploy .*reason=\"build-arm failed\"", 1)
	wantWords(t, s.why(), `"build-arm failed"`)
	s.wantRan()
	s.shop.Check(builds, run.SHA, "build-arm", "skipped")
	agent.says("sha="+s.first+" .*outcome=success", 1)
	s.wantRan(s.first)

	// A commit that waits is passed over by a newer one that does not.
	second := s.shop.Push("main", nil)
	agent.says("sha="+second+" .*waits for build\\*@builds, ci/test", 1)
	third := s.shop.Push("main", nil)
	s.shop.State("jenkins", third, "ci/test", "success")
	s.shop.Check(builds, third, "build-amd", "success")
	agent.says("sha="+third+" .*outcome=success", 1)
	s.wantRan(s.first, third)
	agent.stop()
	if said := s.statuses(second); len(said) == 0 || said[0].State != "pending" || said[0].Description != "deploy: waits for build*@builds, ci/test" {
		t.Errorf("said of what has waited: %+v", said)
	}
}

// TestRequiresByEvents: with an hour between two polls, and half of that between two questions.
func TestRequiresByEvents(t *testing.T) {
	of, builds := requiringScene(t)
	s := hooked(t, of)
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write", "checks": "read"})
	s.serve(append(s.tasks(strings.ReplaceAll(requiringTask, "INTERVAL", "interval: 1h")), s.listening()...)...)
	s.agent.says("waits for build\\*@builds, ci/test", 1)
	run := s.shop.Check(builds, s.first, "build-arm", "success")
	s.wantStatus(s.app.Deliver(t.Context(), s.shop.CheckEvent("completed", run)), 202)
	s.agent.says("waits for ci/test", 1)
	s.shop.State("jenkins", s.first, "ci/test", "success")
	s.wantStatus(s.app.Deliver(t.Context(), s.shop.StatusEvent(s.first)), 202)
	s.agent.says("sha="+s.first+" .*outcome=success", 1)
	s.agent.stop()
}

// TestRequiresWithoutPermission says what to grant, and runs nothing; other tasks ask for no more than they need.
func TestRequiresWithoutPermission(t *testing.T) {
	s, _ := requiringScene(t)
	agent := s.start(s.tasks(strings.ReplaceAll(requiringTask, "INTERVAL", ""))...)
	agent.says("waits until it is known how what it requires stands: .*does not grant checks:read: add it to the App's permissions", 1)
	agent.stop()
	s.wantRan()
}

// TestRequiresMistakes are told at the start.
func TestRequiresMistakes(t *testing.T) {
	s, _ := requiringScene(t)
	for said, change := range map[string][2]string{
		`task deploy: requires needs a GitHub App for `:                                                 {"${GITHUB}/acme/shop.git", s.path("elsewhere.git")},
		`task deploy: requires \[kitops/deploy ci\] is a circle`:                                        {`["ci/test", "build*@builds"]`, `["kitops/deploy", "ci"]`},
		`task deploy: requires \[\*\] is a circle`:                                                      {`["ci/test", "build*@builds"]`, `["*"]`},
		`tasks.yaml:5:16: requires: "ci@a b": "a b" is no name of an App: write NAME or NAME@APP`:       {`["ci/test", "build*@builds"]`, `["ci@a b"]`},
		`requires is empty: without it a head waits for nothing`:                                        {`["ci/test", "build*@builds"]`, `[]`},
		`task deploy: requires \[kitops/other\] is a circle(.|\n)*task other: requires \[kitops/deploy`: {`["ci/test", "build*@builds"]`, `["kitops/other"]` + "\n    actions: [{run: exit}]\n  - name: other\n    git: {url: \"${GITHUB}/acme/shop.git\", branch: main}\n    requires: [\"kitops/deploy\"]"},
	} {
		text := strings.Replace(strings.ReplaceAll(requiringTask, "INTERVAL", "interval: 1h"), change[0], change[1], 1)
		out := s.ends(2, append(s.tasks(text), "--poll-once")...)
		if !regexp.MustCompile(said).MatchString(out) {
			t.Errorf("%s: no %q in\n%s", text, said, out)
		}
	}
	fine := strings.Replace(strings.ReplaceAll(requiringTask, "INTERVAL", ""), `["ci/test", "build*@builds"]`, `["*@builds"]`, 1)
	s.ends(0, append([]string{"check"}, s.tasks(fine)...)...)
}
