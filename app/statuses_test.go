package app_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
)

func TestPostStatus(t *testing.T) {
	s := newScene(t, apptest.Options{})
	for _, state := range []string{"pending", "success"} {
		err := s.repo.PostStatus(t.Context(), s.sha, app.Status{
			State: state, Context: "kitops/shop", Description: strings.Repeat("ü", 140), TargetURL: "https://example.com/run/1",
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	got := s.shop.Statuses(s.sha)
	if len(got) != 2 || got[1].State != "success" || got[1].Context != "kitops/shop" || got[1].TargetURL != "https://example.com/run/1" {
		t.Errorf("got %+v", got)
	}
}

func TestStatusesThatAreRefusedForGood(t *testing.T) {
	s := newScene(t, apptest.Options{}, impatient)
	post := func(sha, context string) error {
		return s.clean(s.repo.PostStatus(t.Context(), sha, app.Status{State: "success", Context: context}))
	}
	wantError[*app.RefusedError](t, post("main", "kitops/shop"), "SHA")
	wantError[*app.RefusedError](t, post(strings.Repeat("a", 40), "kitops/shop"), "422", "No commit found")
	wantError[*app.RefusedError](t, post(s.sha, strings.Repeat("x", 256)), "422", "1 to 255")
	s.shop.FillStatuses(s.sha, "kitops/full", 1000)
	wantError[*app.RefusedError](t, post(s.sha, "kitops/full"), "maximum number of statuses")
	s.shop.SetArchived(true)
	wantError[*app.RefusedError](t, post(s.sha, "kitops/shop"), "archived")
	s.shop.Delete()
	wantError[*app.RefusedError](t, post(s.sha, "kitops/shop"), "acme/shop")
}

func TestStatusesThatAreWorthAnotherTry(t *testing.T) {
	for name, effect := range map[string]apptest.Effect{
		"503": apptest.Fail(http.StatusServiceUnavailable, ""), "cut": apptest.Cut(0), "403": apptest.Fail(http.StatusForbidden, "IP not allowed"),
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, apptest.Options{}, impatient)
			fault := s.Inject(apptest.Filter{Path: "/repos/acme/shop/statuses/*"}, 0, effect)
			if _, final := errors.AsType[*app.RefusedError](s.post("success")); final {
				t.Error("given up")
			}
			fault.Lift()
			if err := s.post("success"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestStatusesGoOffAndOnWithThePermission(t *testing.T) {
	s := newScene(t, apptest.Options{}, impatient)
	if err := s.post("pending"); err != nil {
		t.Fatal(err)
	}
	s.installation.SetPermissions(apptest.Permissions{"contents": "read"})
	for range 3 {
		wantError[*app.RefusedError](t, s.post("success"), "statuses:write", "accept the change at http")
		wantError[*app.PermissionError](t, s.post("success"))
		s.wantMain()
		if allowed, err := s.repo.StatusesAllowed(t.Context()); allowed || err != nil {
			t.Errorf("got %v, %v", allowed, err)
		}
	}
	s.log.want(t, "no commit statuses", 1)
	s.Reset()
	_ = s.post("success")
	if n := s.total(); n != 0 {
		t.Errorf("%d requests within the hour, want none", n)
	}
}

func TestStatusesMissingFromTheStart(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "read"})
	s.wantMain()
	if allowed, err := s.repo.StatusesAllowed(t.Context()); allowed || err != nil {
		t.Errorf("got %v, %v", allowed, err)
	}
	s.log.want(t, "no commit statuses", 1)
	// another repository's lookup tells that it was granted
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write"})
	s.AddRepository("acme", "site", apptest.RepositoryOptions{})
	_, _ = s.app.Repository("acme", "site").Heads(t.Context(), []string{"HEAD"})
	if err := s.post("success"); err != nil {
		t.Error(err)
	}
	s.log.want(t, "commit statuses are on", 1)
}

func TestStatusesThatNobodyWants(t *testing.T) {
	s := newScene(t, apptest.Options{}, func(o *app.Options) { o.Statuses = false })
	s.installation.SetPermissions(apptest.Permissions{"contents": "read"})
	s.wantMain()
	if allowed, err := s.repo.StatusesAllowed(t.Context()); allowed || err != nil {
		t.Errorf("got %v, %v", allowed, err)
	}
	wantError[*app.RefusedError](t, s.post("success"), "turned off")
	s.log.want(t, "statuses", 0)
}
