//go:build unix

package main

import (
	"slices"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// TestActionsFromTheRepository goes through the front door: what runs, what
// has nothing to run, and mistakes, which are told on the commit.
func TestActionsFromTheRepository(t *testing.T) {
	s := newScene(t, apptest.Options{})
	args := append(s.github(), "--url", "acme/*", "--action-file", ".kitops.yaml", "--trust-pushers", "--environment", "PLACE="+s.dir)
	lab := s.private("acme", "lab")
	lab.Push("main", nil)
	agent := s.start(args...)
	agent.says("remembered, not run", 2)
	good := map[string]string{".kitops.yaml": "actions: [{name: note, run: 'echo $KITOPS_SHA >> $PLACE/ran'}]\nbranches: ['**']\n"}
	second := s.shop.Push("main", good)
	s.awaitSuccess(s.shop, second, "kitops/acme")
	other := s.shop.Push("feature", good) // of a branch that the operator does not watch
	idle := lab.Push("main", map[string]string{"README": "no actions here"})
	agent.says("task=acme@acme/lab.*outcome=success", 1)
	bad := lab.Push("main", map[string]string{".kitops.yaml": "# ours\nactions:\n- run: touch $PLACE/evil\n  inherit_environment: true\n"})
	s.await("the mistake", func() bool { return len(lab.Statuses(bad)) > 0 })
	last := lab.Statuses(bad)[0]
	if last.State != "error" || last.Context != "kitops/acme" {
		t.Errorf("status %+v", last)
	}
	wantWords(t, last.Description, "acme@acme/lab: .kitops.yaml:3:3: inherit_environment is not allowed by this agent")
	s.await("that there was nothing to run", func() bool { return len(lab.Statuses(idle)) > 0 })
	if last := lab.Statuses(idle)[0]; last.State != "success" || last.Description != "acme@acme/lab: nothing to run" {
		t.Errorf("status %+v", last)
	}
	agent.stop()
	s.wantRan(second)
	if n := len(lab.Statuses(idle)) + len(s.shop.Statuses(other)) + len(lab.Statuses(bad)); n != 2 || s.exists("evil") {
		t.Errorf("%d statuses where two are due\n%s", n, s.story())
	}
}

// TestOnNothing says what a required check hears of a commit with nothing to run: a success unless the task says silent.
func TestOnNothing(t *testing.T) {
	for value, want := range map[string][]string{"": {"success"}, "on_nothing: success, ": {"success"}, "on_nothing: silent, ": nil} {
		t.Run(value, func(t *testing.T) {
			s := newScene(t, apptest.Options{})
			out := s.once(0, s.tasks("tasks: [{name: ci, git: {url: $GITHUB/acme/shop, branch: main}, "+value+"config: .kitops.yaml}]")...)
			wantWords(t, out, `reason="nothing to run"`)
			if got := s.said(s.first); !slices.Equal(got, want) {
				t.Errorf("said %v, want %v\n%s", got, want, out)
			}
		})
	}
}

func TestPushersMustBeTrusted(t *testing.T) {
	s := newScene(t, apptest.Options{})
	for _, args := range [][]string{
		append(s.github(), "--url", "acme/*", "--action-file", ".kitops.yaml"),
		append(s.github(), "--url", s.shop.CloneURL(), "--branch", "**", "--action-file", ".kitops.yaml"),
		s.tasks("tasks: [{name: ci, git: {url: acme/*}, config: .kitops.yaml}]"),
	} {
		wantWords(t, s.once(2, args...), "whoever may push there commands this agent: name an --action-user for the actions, or say --trust-pushers")
	}
	s.once(0, s.tasks("tasks: [{name: ci, git: {url: $GITHUB/acme/shop}, config: .kitops.yaml}]")...)
	wantWords(t, s.once(2, append(s.github(), "--url", "acme/*", "--action-file", "../x", "--trust-pushers")...), "is no path within the repository")
}
