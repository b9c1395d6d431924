//go:build unix

package main

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// TestDeletingALogTakesItBackFromGitHub, too: the check run keeps how the run has ended. While GitHub does not answer the
// order says so, and may be repeated.
func TestDeletingALogTakesItBackFromGitHub(t *testing.T) {
	s := newCheckScene(t)
	agent := s.start(s.checked(`echo what nobody should read; exit 3`)...)
	red := s.awaitChecks(s.first, "failure")[0]
	wantWords(t, red.Output.Text, "what nobody should read")
	run, _, _ := strings.Cut(red.ExternalID, "/")
	second := s.shop.Push("main", map[string]string{"README.md": "more"})
	s.deliver(s.shop.PushEvent("refs/heads/main", s.first, second))
	s.awaitChecks(second, "failure")
	patches := apptest.Filter{Method: http.MethodPatch, Path: "/repos/*/*/check-runs/*"}
	broken := s.Inject(patches, 0, apptest.Fail(http.StatusBadGateway, ""))
	remove := []string{"runs", "delete", run, "--state-file", s.path("state.yaml")}
	out := s.ends(1, remove...)
	wantWords(t, out, "is removed here, but GitHub still shows", "delete it once more")
	broken.Lift()
	s.await("GitHub is asked again", func() bool {
		cmd := s.command(remove...)
		return cmd.Run() == nil
	})
	s.awaitChecks(s.first, "failure")
	gone := s.shop.CheckRuns(s.first)[0]
	if !regexp.MustCompile("^The log was removed by ` ?[^` ]+ ?`\\.$").MatchString(gone.Output.Text) || gone.Output.Summary != gone.Output.Text || gone.Output.Title != red.Output.Title {
		t.Errorf("%+v", gone.Output)
	}
	if kept := s.shop.CheckRuns(second)[0]; !strings.Contains(kept.Output.Text, "what nobody should read") {
		t.Errorf("another run's: %+v", kept.Output)
	}
	agent.stop()
	if raws, _ := s.Raws(); !slices.ContainsFunc(raws, func(r apptest.Raw) bool { return strings.Contains(string(r.Body), "removed by") }) {
		t.Error("no request says so")
	}
}
