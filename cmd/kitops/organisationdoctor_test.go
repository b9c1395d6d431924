//go:build unix

package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

func TestDoctorListsWhatPatternsCover(t *testing.T) {
	s := newScene(t, apptest.Options{})
	args := slices.Concat([]string{"doctor"}, s.pattern("!acme/service-03*"), s.memory())
	wantWords(t, s.ends(0, args...),
		"ok    GitHub App "+s.app.ClientID+": App ", "ok    task acme: covers 1 repository: acme/shop\n", "ok    task acme@acme/shop: git reads ")
	for i := range 40 {
		s.AddRepository("acme", fmt.Sprintf("service-%03d", i), apptest.RepositoryOptions{Private: true})
	}
	out := s.ends(0, args...)
	wantWords(t, out, "ok    task acme: covers 31 repositories: acme/service-000, acme/service-001, ", " and 11 more, which are not tried here",
		"warn  task acme@acme/service-000: ")
	if n := strings.Count(out, "has no commits yet"); n != 20 {
		t.Errorf("%d repositories were tried:\n%s", n, out)
	}
	s.installation.Suspend()
	wantWords(t, s.ends(1, args...), "FAIL  task acme: not all repositories can be listed: ", "is suspended: unsuspend it at")
	s.installation.Uninstall()
	wantWords(t, s.ends(0, args...), "warn  task acme: no repository matches acme/* !acme/service-03*")
	if _, err := os.Stat(s.path("state.yaml")); err == nil {
		t.Error("doctor wrote a state")
	}
}

func TestCheckShowsPatterns(t *testing.T) {
	s := newScene(t, apptest.Options{})
	wantWords(t, s.ends(0, append([]string{"check"}, s.pattern("!acme/attic-*")...)...), "name: acme\n", "urls:\n", "- acme/*\n", "\"!acme/attic-*\"", "status_context: kitops/acme\n")
}
