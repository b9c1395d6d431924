package app_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
)

// An account with another name is the same one: its repositories are followed, and found by both names.
func TestRenamedOwnersAreFollowedByTheirID(t *testing.T) {
	s := newScene(t, apptest.Options{}, impatient)
	id, err := s.repo.Identity(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	s.listed(s.app)
	s.Account("acme").Rename("acme2")
	s.sha = s.shop.Push("main", nil)
	for range 2 {
		s.wantMain()
		if again, err := s.repo.Identity(t.Context(), id); err != nil || again != id {
			t.Errorf("got %q, %v", again, err)
		}
		if err := s.post("success"); err != nil {
			t.Error(err)
		}
	}
	found, err := s.app.Repositories(t.Context())
	if err != nil || len(found) != 1 || found[0].Owner != "acme2" || !slices.Equal(found[0].Formerly, []string{"acme"}) {
		t.Errorf("found %+v, %v", found, err)
	}
	s.log.want(t, "an account was renamed", 1)
	s.log.want(t, "a repository was renamed", 1)

	// The name is free now, and somebody else takes it.
	s.AddOrg("acme")
	s.AddRepository("acme", "shop", apptest.RepositoryOptions{}).Push("main", nil)
	if _, err := s.repo.Identity(t.Context(), id); err == nil {
		t.Error("another's repository is taken for the old one")
	}
}

func TestTransferredRepositoriesAreNotFollowed(t *testing.T) {
	s := newScene(t, apptest.Options{}, impatient)
	s.AddOrg("umbrella")
	s.github.Install("umbrella", nil)
	if _, err := s.repo.Identity(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	s.listed(s.app)
	s.shop.Transfer("umbrella")
	_, err := s.repo.Identity(t.Context(), "")
	wantError[*app.MovedError](t, err, "belongs to umbrella now")
}

// Installations that can reach nothing are told once, and no concern of the others.
func TestInstallationsThatReachNothingAreLeftOut(t *testing.T) {
	s := newScene(t, apptest.Options{}, impatient)
	s.AddEnterprise("conglomerate")
	s.github.Install("conglomerate", nil)
	s.AddOrg("umbrella")
	s.AddRepository("umbrella", "lab", apptest.RepositoryOptions{Private: true})
	closed := s.github.Install("umbrella", apptest.Permissions{"statuses": "write"})
	for range 3 {
		if got, want := s.listed(s.app), []string{"acme/shop"}; !slices.Equal(got, want) {
			t.Errorf("found %v, want %v", got, want)
		}
	}
	s.log.want(t, "are left out", 2)
	s.log.want(t, "the enterprise conglomerate", 1)
	s.log.want(t, "does not grant contents:read", 1)
	reaches, err := s.app.Reaches(t.Context())
	if err != nil || len(reaches) != 2 || reaches[0].Account != "acme" || reaches[1].Account != "umbrella" {
		t.Errorf("reaches %+v, %v", reaches, err)
	}
	closed.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write"})
	if got, want := s.listed(s.app), []string{"acme/shop", "umbrella/lab"}; !slices.Equal(got, want) {
		t.Errorf("granted: found %v, want %v", got, want)
	}
	closed.SetPermissions(apptest.Permissions{"statuses": "write"})
	if got, want := s.listed(s.app), []string{"acme/shop", "umbrella/lab"}; !slices.Equal(got, want) {
		t.Errorf("taken away again: found %v, want what was known, %v", got, want)
	}
	s.log.want(t, "does not grant contents:read", 2)
}

func TestIPAllowListHasItsRemedy(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.Inject(apptest.Filter{Auth: apptest.AsInstallation}, 0, apptest.Fail(http.StatusForbidden,
		"Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list enabled, and your IP address is not permitted to access this resource."))
	wantError[*app.SetupError](t, s.headsError("refs/heads/main"), "IP allow list of acme", "add it there")
	s.Reset()
	wantError[*app.SetupError](t, s.headsError("refs/heads/main"), "IP allow list of acme")
	if n := s.total(); n != 0 {
		t.Errorf("%d requests right after", n)
	}
}

// Old servers know Apps by their numbers only.
func TestOldEnterpriseServersWantTheAppID(t *testing.T) {
	s := newScene(t, apptest.Options{Enterprise: true})
	s.Inject(apptest.Filter{Auth: apptest.AsApp}, 0, apptest.Fail(http.StatusUnauthorized, "'Issuer' claim ('iss') must be an Integer"))
	wantError[*app.SetupError](t, s.headsError("refs/heads/main"), "client ID", "give its App ID")
}

// What a look has learned of the default branch decides that look.
func TestDefaultBranchThatSwitchesDecidesTheLook(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.heads("HEAD")
	s.shop.Push("trunk", nil)
	s.shop.SetDefaultBranch("trunk")
	s.shop.Push("main", nil) // to what is the default no more
	if got := s.heads("HEAD"); len(got) != 1 || got["refs/heads/trunk"] != s.shop.Head("trunk") {
		t.Errorf("got %v, want trunk only", got)
	}
}

func TestDefaultBranchIsAskedForWhenSomethingIsSaidOfIt(t *testing.T) {
	for name, say := range map[string]func(*scene){
		"by address": func(s *scene) { s.app.OutdatedRepository(0, s.shop.CloneURL(), "trunk", time.Now()) },
		"by number": func(s *scene) {
			s.app.OutdatedRepository(s.shop.ID, "https://elsewhere.example/a/b", "trunk", time.Now())
		},
		"no branch": func(s *scene) { s.app.OutdatedRepository(s.shop.ID, "", "", time.Now()) },
	} {
		t.Run(name, func(t *testing.T) {
			lag := apptest.Lag{Default: lagged}
			if name == "no branch" {
				lag = apptest.Lag{}
			}
			s := newScene(t, apptest.Options{Lag: lag}, lagging)
			s.Advance(lagged)
			s.heads("HEAD")
			s.shop.Push("trunk", nil)
			s.shop.SetDefaultBranch("trunk")
			if got := s.heads("HEAD"); got["refs/heads/main"] == "" {
				t.Errorf("got %v before anything was said", got)
			}
			say(s)
			if got := s.heads("HEAD"); got["refs/heads/trunk"] != s.shop.Head("trunk") {
				t.Errorf("got %v, want trunk", got)
			}
			s.Reset()
			s.heads("HEAD")
			if n := s.total(); n != 1 {
				t.Errorf("%d requests for a look at what has not moved", n)
			}
		})
	}
	s := newScene(t, apptest.Options{}, func(o *app.Options) { o.Lag = lagFor / 10 })
	s.heads("HEAD")
	s.app.OutdatedRepository(s.shop.ID, "", "never", time.Now())
	if got := s.heads("HEAD"); len(got) != 1 || got["refs/heads/main"] == "" {
		t.Errorf("what was said and is not so: %v", got)
	}
}
