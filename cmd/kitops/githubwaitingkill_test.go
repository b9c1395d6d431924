//go:build unix

package main

import (
	"net/http"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// TestAKilledAgentLeavesNoCheckRunWaiting, whatever of its requests was lost before, and makes none twice.
func TestAKilledAgentLeavesNoCheckRunWaiting(t *testing.T) {
	t.Parallel()
	making := apptest.Filter{Method: http.MethodPost, Path: "/repos/*/*/check-runs"}
	ending := apptest.Filter{Method: http.MethodPatch, Path: "/repos/*/*/check-runs/*"}
	for name, lost := range map[string]struct {
		apptest.Filter
		effect apptest.Effect
	}{
		"nothing lost":      {apptest.Filter{Path: "/none"}, apptest.Drop()},
		"making it":         {making, apptest.Cut(0)},
		"making it in vain": {making, apptest.Drop()},
		"ending it":         {ending, apptest.Cut(0)},
		"ending it in vain": {ending, apptest.Fail(http.StatusBadGateway, "")},
	} {
		t.Run(name, func(t *testing.T) {
			s := newCheckScene(t)
			s.Inject(lost.Filter, 1, lost.effect)
			args := s.waiting("approve: each")
			agent := s.start(args...)
			s.awaitChecks(s.first, "action_required")
			agent.kill()
			s.order("approve", "shop", s.first[:7])
			s.mark("waits", s.first)
			agent = s.start(args...)
			s.awaitChecks(s.first, "action_required", "in_progress")
			if !eventually(func() bool { return s.runs(s.first) == 1 }) {
				t.Fatalf("it does not run\n%s", s.story())
			}
			agent.kill()
			s.unmark("waits", s.first)
			second := s.shop.Push("main", nil)
			agent = s.start(args...)
			s.awaitChecks(s.first, "action_required", "cancelled")
			s.awaitChecks(second, "action_required")
			agent.kill()
			third := s.shop.Push("main", nil)
			agent = s.start(args...)
			s.awaitChecks(second, "cancelled")
			s.awaitChecks(third, "action_required")
			agent.stop()
			s.write("tasks.yaml", "tasks: [{name: other, git: {url: '"+s.shop.CloneURL()+"', branch: side}, actions: [{run: 'true'}]}]\n")
			agent = s.start(args...)
			s.awaitChecks(third, "cancelled")
			agent.stop()
			if n := s.runs(s.first); n != 1 {
				t.Errorf("ran %d times\n%s", n, s.story())
			}
		})
	}
}

// TestAnOutageOfAnyRequestDelaysAClick, and no more: it is heeded once, when GitHub answers again.
func TestAnOutageOfAnyRequestDelaysAClick(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]apptest.Filter{
		"suite":       suitesAsked,
		"permission":  {Path: "/repos/*/*/collaborators/*/permission"},
		"check run":   {Method: http.MethodGet, Path: "/repos/*/*/check-runs/*"},
		"annotations": {Path: "/repos/*/*/check-runs/*/annotations"},
		"those there": {Path: "/repos/*/*/commits/*/check-runs"},
		"token":       tokenRequests,
	} {
		t.Run(name, func(t *testing.T) {
			s := newCheckScene(t)
			args := s.waiting("retry: off")
			s.mark("broken", s.first)
			agent := s.start(args...)
			red := s.awaitChecks(s.first, "failure")[0]
			if name == "token" {
				s.installation.RevokeTokens()
			}
			fault := s.Inject(lost, 2, apptest.Fail(http.StatusBadGateway, ""))
			s.app.Deliver(t.Context(), s.shop.Rerequest(red, s.bob))
			s.awaitChecks(s.first, "failure", "failure")
			s.unmark("broken", s.first)
			s.deliver(s.shop.Rerequest(s.shop.CheckRuns(s.first)[1], s.anna))
			s.awaitChecks(s.first, "failure", "failure", "success")
			agent.stop()
			if fault.Hits() == 0 {
				t.Errorf("%d faults\n%s", fault.Hits(), s.story())
			}
			if suites := s.shop.CheckSuites(s.first); suites[0].Status != "completed" {
				t.Errorf("%+v", suites)
			}
		})
	}
}
