package app_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
)

func requirements(t *testing.T, texts ...string) (all []app.Requirement) {
	t.Helper()
	for _, text := range texts {
		q, err := app.ParseRequirement(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, q)
	}
	return all
}

func TestRequirementMistakes(t *testing.T) {
	for _, text := range []string{"", " ", "@", "@ci", "a@", "a@b c", "a@github/actions", "a\nb"} {
		if _, err := app.ParseRequirement(text); err == nil {
			t.Errorf("%q is a requirement", text)
		}
	}
}

// TestRequired: statuses and check runs count alike, each pattern needs one and all that match must be successful.
func TestRequired(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "read", "checks": "read"})
	s.app.Want(map[string]string{"statuses": "read", "checks": "read"})
	ci := s.RegisterApp("acme", "GitHub Actions", apptest.AppOptions{Permissions: apptest.Permissions{"checks": "write"}, Public: true})
	other := s.RegisterApp("acme", "Other", apptest.AppOptions{Permissions: apptest.Permissions{"checks": "write"}, Public: true})
	s.AddUser("jenkins")
	step := 0
	wantRequired := func(want string, texts ...string) {
		t.Helper()
		step++
		waits, failed, err := s.repo.Required(t.Context(), s.sha, requirements(t, texts...), func(name string) bool { return name == "kitops/own" })
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(waits, failed); got != want {
			t.Errorf("step %d, %v: %s, want %s", step, texts, got, want)
		}
	}
	wantRequired("[build* ci/test] []", "ci/test", "build*")
	s.shop.State("jenkins", s.sha, "ci/test", "pending")
	s.shop.Check(ci, s.sha, "build-arm", "")
	s.shop.Check(ci, s.sha, "build-amd", "failure")
	s.shop.StateAs(s.github, s.sha, "kitops/own", "pending")
	wantRequired("[build-arm ci/test] [build-amd]", "ci/test", "build*")
	wantRequired("[build-arm ci/test] [build-amd]", "*")
	s.shop.State("jenkins", s.sha, "CI/Test", "success")
	s.shop.Check(ci, s.sha, "build-amd", "success")
	for _, conclusion := range []string{"cancelled", "timed_out", "failure"} {
		s.shop.Check(ci, s.sha, "build-arm", conclusion)
		wantRequired("[] [build-arm]", "ci/test", "build*")
	}
	s.shop.Check(ci, s.sha, "build-arm", "action_required") // which somebody has yet to approve
	wantRequired("[build-arm] []", "ci/test", "build*")
	for _, conclusion := range []string{"neutral", "skipped", "success"} {
		s.shop.Check(ci, s.sha, "build-arm", conclusion)
		wantRequired("[] []", "ci/test", "build*")
	}

	// Of one App: what somebody else calls so does not count, neither for nor against it.
	s.shop.Check(other, s.sha, "lint", "success")
	wantRequired("[lint@github-actions] []", "lint@github-actions", "build*@github-actions")
	s.shop.Check(ci, s.sha, "lint", "success")
	s.shop.Check(other, s.sha, "lint", "failure")
	wantRequired("[] []", "lint@GitHub-Actions")
	wantRequired("[] [lint]", "lint")
	s.shop.StateAs(ci, s.sha, "deploy", "success")
	s.shop.StateAs(other, s.sha, "deploy", "failure")
	wantRequired("[] [deploy]", "deploy")
	wantRequired("[] []", "deploy@github-actions")
	wantRequired("[] [deploy]", "deploy@other")
	wantRequired("[deploy@jenkins] []", "deploy@jenkins") // a person is no App
	wantRequired("[] [deploy]", "deploy", "deploy@github-actions")

	// What has not changed costs nothing of the limit.
	s.Reset()
	wantRequired("[] [deploy lint]", "*")
	if n := s.Count(apptest.Filter{Path: "/repos/**", Status: http.StatusNotModified}); n != 2 || s.asked("/repos/**") != 2 {
		t.Errorf("%d of %d requests found nothing changed", n, s.asked("/repos/**"))
	}

	// Of more than a page, all count.
	for i := range 130 {
		s.shop.State("jenkins", s.sha, fmt.Sprintf("many/%03d", i), "success")
	}
	s.shop.State("jenkins", s.sha, "many/zzz", "failure")
	wantRequired("[] [many/zzz]", "many/*")
	s.shop.State("jenkins", s.sha, "many/zzz", "success")
	s.shop.State("jenkins", s.sha, "many/000", "pending")
	wantRequired("[many/000] []", "many/*")
	if _, _, err := s.repo.Required(t.Context(), "main", nil, nil); err == nil {
		t.Error("a branch is a commit")
	}
}

func TestRequiredWithoutPermission(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.app.Want(map[string]string{"checks": "read"})
	_, _, err := s.repo.Required(t.Context(), s.sha, requirements(t, "ci"), func(string) bool { return false })
	var lacks *app.PermissionError
	if !errors.As(err, &lacks) || lacks.Permission != "checks" || !strings.Contains(err.Error(), "checks") {
		t.Errorf("%v", err)
	}
}

// TestTheAppIsAskedOnceWhatItIs, however many check runs are looked for.
func TestTheAppIsAskedOnceWhatItIs(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write", "checks": "write"})
	s.app.Want(map[string]string{"statuses": "write", "checks": "write"})
	s.Reset()
	for range 5 {
		if _, err := s.repo.OwnChecks(t.Context(), s.sha, "kitops/own", time.Time{}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.repo.Strangers(t.Context(), s.sha, "kitops/own"); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.asked("/app"); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// TestAnswersOfManyCommitsThatWaitAreKept: what has not changed costs nothing, in whatever order it is asked.
func TestAnswersOfManyCommitsThatWaitAreKept(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "read", "checks": "read"})
	s.app.Want(map[string]string{"statuses": "read", "checks": "read"})
	all := make([]string, 150)
	for i := range all {
		all[i] = s.shop.Push("main", nil)
	}
	ask := func() {
		t.Helper()
		for _, sha := range all {
			if _, _, err := s.repo.Required(t.Context(), sha, requirements(t, "ci"), func(string) bool { return false }); err != nil {
				t.Fatal(err)
			}
		}
	}
	ask()
	s.Reset()
	ask()
	if n := s.Count(apptest.Filter{Path: "/repos/**", Status: http.StatusNotModified}); n != 2*len(all) {
		t.Errorf("%d of %d requests found nothing changed", n, s.asked("/repos/**"))
	}
}
