package app_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
)

func (s *scene) listed(a *app.App) []string {
	s.t.Helper()
	found, err := a.Repositories(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return names(found)
}

func names(found []app.Found) []string {
	var all []string
	for _, f := range found {
		all = append(all, f.Owner+"/"+f.Name)
	}
	return all
}

func TestRepositoriesOfAllInstallations(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.AddOrg("umbrella")
	lab := s.AddRepository("umbrella", "lab", apptest.RepositoryOptions{Private: true})
	s.AddRepository("umbrella", "secret", apptest.RepositoryOptions{Private: true})
	s.github.Install("umbrella", nil, lab)
	attic := s.AddRepository("acme", "attic", apptest.RepositoryOptions{Private: true})
	attic.SetArchived(true)
	s.AddRepository("acme", "off", apptest.RepositoryOptions{}).SetDisabled(true)

	if got, want := s.listed(s.app), []string{"acme/shop", "umbrella/lab"}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
	attic.SetArchived(false)
	s.shop.Rename("store")
	if got, want := s.listed(s.app), []string{"acme/attic", "acme/store", "umbrella/lab"}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
	s.installation.Suspend()
	found, err := s.app.Repositories(t.Context())
	if got, want := names(found), []string{"acme/attic", "acme/store", "umbrella/lab"}; !slices.Equal(got, want) || err == nil || !strings.Contains(err.Error(), "is suspended") {
		t.Errorf("found %v (%v), want %v, and that one is suspended", got, err, want)
	}
	reaches, err := s.app.Reaches(t.Context())
	if err != nil || len(reaches) != 1 || reaches[0].Account != "umbrella" || len(reaches[0].Repositories) != 1 {
		t.Errorf("reaches %+v (%v), want umbrella's", reaches, err)
	}
}

func TestListingOfManyRepositoriesIsConditional(t *testing.T) {
	s := newScene(t, apptest.Options{})
	for i := range 250 {
		s.AddRepository("acme", fmt.Sprintf("service-%03d", i), apptest.RepositoryOptions{InMemory: true})
	}
	if n := len(s.listed(s.app)); n != 251 {
		t.Errorf("found %d repositories, want 251", n)
	}
	s.Reset()
	if n := len(s.listed(s.app)); n != 251 {
		t.Errorf("found %d repositories, want 251", n)
	}
	all, unchanged := s.Count(apptest.Filter{}), s.Count(apptest.Filter{Status: http.StatusNotModified})
	if all != 4 || unchanged != 4 {
		t.Errorf("%d requests, %d of them answered 304, want 4 of 4", all, unchanged)
	}
}

func TestSilentInstallationKeepsItsRepositories(t *testing.T) {
	s := newScene(t, apptest.Options{}, impatient)
	want := s.listed(s.app)
	fault := s.Inject(apptest.Filter{Path: "/installation/repositories"}, 0, apptest.Fail(http.StatusBadGateway, "unicorn"))
	s.AddRepository("acme", "new", apptest.RepositoryOptions{})
	found, err := s.app.Repositories(t.Context())
	if got := names(found); err == nil || !slices.Equal(got, want) {
		t.Errorf("found %v (%v), want %v and an error", got, err, want)
	}
	fault.Lift()
	if got, want := s.listed(s.app), []string{"acme/new", "acme/shop"}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

// TestListingThatShiftsMeanwhile removes a repository while the second page is
// asked for: what moves to the first page is not gone.
func TestListingThatShiftsMeanwhile(t *testing.T) {
	s := newScene(t, apptest.Options{})
	var first *apptest.Repository
	for i := range 150 {
		r := s.AddRepository("acme", fmt.Sprintf("service-%03d", i), apptest.RepositoryOptions{InMemory: true})
		if first == nil {
			first = r
		}
	}
	second := apptest.Filter{Path: "/installation/repositories"}
	asked := 0
	s.Inject(second, 2, func(w http.ResponseWriter, r *http.Request, next http.Handler, _ <-chan struct{}) {
		if asked++; asked == 2 {
			first.Delete()
		}
		next.ServeHTTP(w, r)
	})
	if n := len(s.listed(s.app)); n != 150 {
		t.Errorf("found %d repositories, want 150", n)
	}
}

// TestListedRepositoriesAskForNoInstallation spares a request for each.
func TestListedRepositoriesAskForNoInstallation(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.listed(s.app)
	s.Reset()
	if _, err := s.app.Repository("acme", "shop").Heads(t.Context(), []string{"refs/heads/main"}); err != nil {
		t.Fatal(err)
	}
	if n := s.Count(apptest.Filter{}); n != 1 {
		t.Errorf("%d requests: %+v", n, s.Requests(apptest.Filter{}))
	}
}
