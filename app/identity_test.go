package app_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
)

func TestRenamedRepositoryIsFollowed(t *testing.T) {
	s := newScene(t, apptest.Options{}, impatient)
	s.heads("HEAD", "refs/heads/m*")
	id, err := s.repo.Identity(t.Context(), "")
	if err != nil || id != strconv.FormatInt(s.shop.ID, 10) {
		t.Fatalf("got %s, %v", id, err)
	}
	s.shop.Rename("store")
	for range 3 {
		s.wantMain()
		if again, err := s.repo.Identity(t.Context(), id); err != nil || again != id {
			t.Errorf("got %s, %v", again, err)
		}
		if err := s.post("success"); err != nil {
			t.Error(err)
		}
	}
	s.log.want(t, "was renamed", 1)
	s.log.want(t, s.URL+"/acme/store.git", 1)
	s.Reset()
	s.wantMain()
	if n := s.total(); n != 1 {
		t.Errorf("a look at a renamed repository costs %d requests, want 1", n)
	}

	// someone takes the old name
	s.AddRepository("acme", "shop", apptest.RepositoryOptions{Private: true}).Push("main", nil)
	_, err = s.repo.Identity(t.Context(), id)
	wantError[*app.MovedError](t, s.clean(err), "another repository", id)
}

func TestLooksNoticeARename(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.wantMain()
	s.shop.Rename("store")
	for range 2 {
		s.wantMain()
	}
	s.log.want(t, "was renamed", 1)
	s.Reset()
	s.wantMain()
	if n := s.total(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

func TestStatusAfterARenameNobodyNoticed(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.wantMain()
	s.shop.Rename("store")
	if err := s.post("success"); err != nil {
		t.Error(err)
	}
	if got := s.shop.Statuses(s.sha); len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

func TestAnotherOwnerStopsTheTask(t *testing.T) {
	s := newScene(t, apptest.Options{}, impatient)
	s.AddOrg("evil")
	id, err := s.repo.Identity(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	s.shop.Transfer("evil")
	_, err = s.repo.Identity(t.Context(), id)
	wantError[*app.NotCoveredError](t, s.clean(err))
	s.github.Install("evil", nil)
	_, err = s.repo.Identity(t.Context(), id)
	wantError[*app.MovedError](t, s.clean(err), "belongs to evil now", "/evil/shop.git")
}

func TestCredentialsDoNotFollowRedirects(t *testing.T) {
	var strangers atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strangers.Add(1) }))
	t.Cleanup(func() {
		elsewhere.Close()
		if n := strangers.Load(); n != 0 {
			t.Errorf("%d requests went to another host", n)
		}
	})
	for _, status := range []int{301, 302, 307} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			s := newScene(t, apptest.Options{}, impatient)
			for _, f := range []apptest.Filter{{Auth: apptest.AsApp}, {Auth: apptest.AsInstallation}} {
				fault := s.Inject(f, 0, apptest.Redirect(status, elsewhere.URL))
				if err := s.headsError("refs/heads/main"); err == nil {
					t.Error("no error")
				}
				if err := s.post("success"); err == nil {
					t.Error("no error")
				}
				fault.Lift()
			}
			s.wantMain()
		})
	}
}

func TestPublicRepositoryThatIsNotCovered(t *testing.T) {
	s := newScene(t, apptest.Options{}, impatient)
	s.AddRepository("mona", "open", apptest.RepositoryOptions{}).Push("main", nil)
	s.AddRepository("mona", "closed", apptest.RepositoryOptions{Private: true}).Push("main", nil)
	for name, public := range map[string]bool{"open": true, "closed": false, "none": false} {
		s.repo = s.app.Repository("mona", name)
		for range 2 {
			err := s.headsError("refs/heads/main")
			wantError[*app.NotCoveredError](t, err, "mona/"+name, "/apps/kit-ops/installations/new")
			e := as[*app.NotCoveredError](t, err)
			if e.Public != public {
				t.Errorf("%s: public is %v", name, e.Public)
			}
		}
		_, err := s.repo.Identity(t.Context(), "")
		wantError[*app.NotCoveredError](t, s.clean(err))
		wantError[*app.RefusedError](t, s.post("success"), "does not reach")
	}
	other := s.AddRepository("acme", "other", apptest.RepositoryOptions{})
	s.installation.SetRepositories(s.shop)
	s.repo = s.app.Repository("acme", "other")
	wantError[*app.NotCoveredError](t, s.headsError("refs/heads/main"), "select it at http", "/settings/installations/")
	s.installation.SetRepositories(s.shop, other)
	if err := s.headsError("refs/heads/main"); err != app.ErrEmpty { //nolint:errorlint // exactly
		t.Errorf("got %v", err)
	}
}
