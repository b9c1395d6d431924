//go:build unix

package main

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/bittrance/kitops/app/apptest"
)

// TestIdleLooks counts exactly what 20 looks cost, and what a push costs then.
func TestIdleLooks(t *testing.T) {
	s := newScene(t, apptest.Options{})
	agent := s.start(s.task(note)...)
	s.awaitStatus(s.first, "success")
	agent.says("msg=polled", 2) // nothing is left to report by then
	held := s.hold()
	s.Reset()
	looks := s.count("msg=polled")
	held.Lift()
	agent.says("msg=polled", looks+21)
	held = s.hold()
	s.wantLooks(s.count("msg=polled") - looks)

	s.Reset()
	second := s.shop.Push("main", nil)
	held.Lift()
	s.awaitStatus(second, "success")
	agent.says("msg=polled", looks+30)
	agent.stop()
	s.wantRan(s.first, second)
	want := map[string]int{
		"GET /repos/acme/shop/commits/heads/main": 1, "GET /repos/acme/shop": 1, "POST /repos/acme/shop/statuses/" + second: 2,
		"GET /acme/shop.git/info/refs": 1, "POST /acme/shop.git/git-upload-pack": 1,
	}
	for _, r := range s.Requests(apptest.Filter{}) {
		what := r.Method + " " + r.Path
		if idle := r.Conditional && r.Status != http.StatusOK && r.Path == looksAtMain.Path; idle {
			continue
		}
		if want[what]--; want[what] < 0 {
			t.Errorf("one too many: %s (%d)", what, r.Status)
		}
	}
	if want["POST /acme/shop.git/git-upload-pack"] != 0 {
		t.Error("the push was not fetched")
	}
}

// hold holds the next look until the fault is lifted; all before are over then.
func (s *scene) hold() *apptest.Fault {
	s.t.Helper()
	f := s.Inject(looksAtMain, 0, apptest.Hang())
	if !eventually(func() bool { return f.Hits() > 0 }) {
		s.t.Fatalf("no look\n%s", s.story())
	}
	return f
}

// wantLooks fails the test unless there were exactly so many conditional
// requests, and nothing else. The last one is not answered yet.
func (s *scene) wantLooks(n int) {
	s.t.Helper()
	all := s.Requests(apptest.Filter{})
	for i, r := range all {
		answered := r.Status == http.StatusNotModified || i == len(all)-1
		if r.Method != http.MethodGet || r.Path != looksAtMain.Path || !r.Conditional || r.Auth != apptest.AsInstallation || !answered {
			s.t.Errorf("%+v is no idle look", r)
		}
	}
	if n < 20 || len(all) != n {
		s.t.Errorf("%d looks took %d requests", n, len(all))
	}
}

// other adds the repository wonka/bar on an installation of its own, with a task for both.
func (s *scene) other() (*apptest.Repository, []string) {
	s.AddOrg("wonka")
	bar := s.AddRepository("wonka", "bar", apptest.RepositoryOptions{Private: true})
	bar.Push("main", nil)
	s.app.Install("wonka", nil)
	return bar, s.tasks(`
tasks:
  - {name: shop, git: {url: $GITHUB/acme/shop, branch: main}, actions: [{run: 'echo ${DOLLAR}KITOPS_SHA >> $PLACE/ran'}]}
  - {name: bar, git: {url: $GITHUB/wonka/bar, branch: main}, actions: [{run: 'true'}]}
`)
}

func awaitSuccess(s *scene, r *apptest.Repository, sha string) {
	s.t.Helper()
	s.await("success on "+sha, func() bool {
		return slices.ContainsFunc(r.Statuses(sha), func(st apptest.Status) bool { return st.State == "success" })
	})
}

// TestHourlyLimit uses up the hour of one installation: it pauses, by git too,
// and the other one notices nothing.
func TestHourlyLimit(t *testing.T) {
	s := newScene(t, apptest.Options{})
	bar, args := s.other()
	agent := s.start(args...)
	s.awaitStatus(s.first, "success")
	awaitSuccess(s, bar, bar.Head("main"))
	held := s.hold()
	s.installation.SetRemaining(0)
	s.Reset()
	s.shop.Push("main", nil)
	held.Lift()
	agent.says(`msg="GitHub's rate limit is reached, pausing"`, 1)
	for range 3 {
		awaitSuccess(s, bar, bar.Push("main", nil))
	}
	agent.stop()
	s.wantRan(s.first)
	for _, r := range s.Requests(apptest.Filter{Path: "/acme/**"}) {
		t.Errorf("git is asked instead: %s", r.Path)
	}
	if n := s.Count(apptest.Filter{Kind: apptest.REST, Path: "/repos/acme/**"}); n > 2 {
		t.Errorf("%d requests into the limit", n)
	}
	if n := s.count("GitHub's rate limit is reached"); n != 1 {
		t.Errorf("the pause is logged %d times\n%s", n, s.story())
	}
	wantWords(t, s.read("agent.log"), `whose="the App's installation on acme"`, "secondary=false", "until=20")
	if s.count("poll failed") > 0 {
		t.Errorf("a pause is no failure\n%s", s.story())
	}
}

// TestSecondaryLimit is over after a few seconds, and then everything goes on.
func TestSecondaryLimit(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusForbidden, http.StatusTooManyRequests} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			s := newScene(t, apptest.Options{})
			agent := s.start(s.task(note)...)
			s.awaitStatus(s.first, "success")
			limit := s.Inject(apptest.Filter{Kind: apptest.REST, Path: "/repos/acme/**"}, 1,
				apptest.Fail(status, "You have exceeded a secondary rate limit.", "Retry-After", "4"))
			begin := time.Now()
			second := s.shop.Push("main", nil)
			s.await("the limit", func() bool { return limit.Hits() == 1 })
			s.Reset()
			s.await("a request", func() bool { return s.Count(apptest.Filter{}) > 0 })
			if pause := time.Since(begin); pause < 4*time.Second {
				t.Errorf("paused for %s only", pause)
			}
			s.awaitStatus(second, "success")
			agent.stop()
			s.wantRan(s.first, second)
			if n := s.count("GitHub's rate limit is reached"); n != 1 {
				t.Errorf("the pause is logged %d times\n%s", n, s.story())
			}
		})
	}
}

// TestLimitOfStatuses holds back the statuses, never the run.
func TestLimitOfStatuses(t *testing.T) {
	s := newScene(t, apptest.Options{})
	agent := s.start(s.task(note)...)
	s.awaitStatus(s.first, "success")
	limit := s.Inject(statusPosts, 1, apptest.Fail(http.StatusForbidden, "You have exceeded a secondary rate limit.", "Retry-After", "3"))
	second := s.shop.Push("main", nil)
	s.await("the limit", func() bool { return limit.Hits() == 1 })
	s.awaitStatus(second, "success")
	agent.stop()
	s.wantRan(s.first, second)
	s.wantSaid(second, "pending", "success")
}

// TestTooManyStatuses is the end of a commit and context: GitHub keeps 1,000.
func TestTooManyStatuses(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.shop.FillStatuses(s.first, "kitops/shop", 1000)
	out := s.once(0, s.task(note)...)
	s.wantRan(s.first)
	wantWords(t, out, "GitHub refused the commit status")
	second := s.shop.Push("main", nil)
	s.once(0, s.task(note)...)
	s.wantSaid(second, "pending", "success")
}

// TestMoreTasksThanTheBudget has looks stretched, which is said once.
func TestMoreTasksThanTheBudget(t *testing.T) {
	s := newScene(t, apptest.Options{SecondaryLimits: true})
	tasks := "tasks:\n"
	for i := range 20 {
		tasks += fmt.Sprintf("  - {name: shop%d, git: {url: $GITHUB/acme/shop, branch: main}, github: {}, actions: [{run: 'true'}]}\n", i)
	}
	agent := s.start(s.tasks(tasks)...)
	agent.says("msg=polled", 60)
	agent.stop()
	if n := s.count("more polls than GitHub allows for one installation"); n != 1 {
		t.Errorf("the stretch is logged %d times\n%s", n, s.story())
	}
	wantWords(t, s.read("agent.log"), "interval=1.5s", "tasks=20", "account=acme")
	for _, status := range []int{http.StatusForbidden, http.StatusTooManyRequests} {
		if n := s.Count(apptest.Filter{Status: status}); n > 0 {
			t.Errorf("%d requests were refused", n)
		}
	}
}
