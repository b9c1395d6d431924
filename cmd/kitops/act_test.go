//go:build act

package main

import (
	"os"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// TestActRunsWorkflows runs the example by the real act, which has to be in PATH.
func TestActRunsWorkflows(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.env = append(s.env, "PATH="+os.Getenv("PATH"), "XDG_CACHE_HOME="+s.path("cache"), "XDG_CONFIG_HOME="+s.path("config"))
	flags := s.untimed("act/tasks.yaml")
	makefile := func(more string) string {
		return "test:\n\ttest \"$$GITHUB_REF $$GITHUB_EVENT_NAME\" = 'refs/heads/main push'\n" +
			"\ttest -n \"$$GITHUB_EVENT_PATH\" && grep -q '\"full_name\": *\"acme/shop\"' \"$$GITHUB_EVENT_PATH\"\n" +
			"\techo $$GITHUB_SHA $$(git rev-parse HEAD) $$(cat revision) >> " + s.path("ran") + "\n" + more
	}
	green := s.shop.Push("main", brings(t, "act", map[string]string{"Makefile": makefile(""), "revision": "first"}))
	s.once(0, flags...)
	red := s.shop.Push("main", map[string]string{"Makefile": makefile("\t@echo the step says why; false\n"), "revision": "second"})
	s.once(1, flags...)
	if got, want := s.read("ran"), green+" "+green+" first\n"+red+" "+red+" second\n"; got != want {
		t.Errorf("ran on %q, want %q\n%s", got, want, s.read("out.log"))
	}
	s.wantSaid(green, "pending", "success")
	s.wantSaid(red, "pending", "failure")
	if log := s.read("out.log"); !strings.Contains(log, "the step says why") {
		t.Errorf("the log does not say why:\n%s", log)
	}
}
