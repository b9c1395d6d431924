//go:build unix

package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/app/apptest"
)

// gitFetches are the requests that carry a pack.
var gitFetches = apptest.Filter{Kind: apptest.Git, Path: "/acme/*/git-upload-pack"}

// undelivered is said of a last status that is refused.
var undelivered = regexp.MustCompile(`msg="commit status not delivered yet" .*outcome=success`)

// TestOutageOfTheAPI has the API answer nothing but errors: git still tells the
// heads, and the statuses arrive when it is over.
func TestOutageOfTheAPI(t *testing.T) {
	t.Parallel()
	for name, effect := range map[string]apptest.Effect{
		"5xx": apptest.Fail(http.StatusServiceUnavailable, "the unicorn"), "dropped": apptest.Drop(),
		"cut": apptest.Cut(0), "nonsense": apptest.Garbage(), "hangs": apptest.Hang(),
	} {
		t.Run(name, func(t *testing.T) {
			if name == "hangs" {
				waits(t)
			}
			s := newScene(t, apptest.Options{})
			agent := s.start(s.task(note)...)
			s.awaitStatus(s.first, "success")
			outage := s.Inject(apptest.Filter{Kind: apptest.REST}, 0, effect)
			second := s.shop.Push("main", map[string]string{"b": "2"})
			if !eventually(func() bool { return len(s.ran()) == 2 }) {
				t.Fatalf("no run without the API:\n%s", s.story())
			}
			if name != "cut" && len(s.said(second)) > 0 {
				t.Error("a status in the middle of the outage")
			}
			if !eventually(func() bool { return s.count(`msg="run finished"`) == 2 }) {
				t.Fatalf("the run does not end:\n%s", s.story())
			}
			if name != "cut" && name != "hangs" { // so that no pending is under way
				s.await("the last status is tried", func() bool { return undelivered.MatchString(s.read("agent.log")) })
			}
			outage.Lift()
			s.awaitStatus(second, "success")
			agent.stop()
			s.wantRan(s.first, second)
			if name == "cut" || name == "hangs" { // there the posts are taken
				return
			}
			s.wantSaid(second, "success")
			if n := s.count(`level=WARN msg="commit status not delivered yet"`); n < 1 || n > 2 {
				t.Errorf("one outage is told %d times\n%s", n, s.story())
			}
		})
	}
}

// TestOutageAtTheStart has no token yet to ask git with.
func TestOutageAtTheStart(t *testing.T) {
	s := newScene(t, apptest.Options{})
	outage := s.Inject(apptest.Filter{}, 0, apptest.Fail(http.StatusBadGateway, ""))
	agent := s.start(s.task(note)...)
	agent.says("poll failed", 3)
	outage.Lift()
	s.awaitStatus(s.first, "success")
	agent.stop()
	s.wantRan(s.first)
}

func TestGitIsDown(t *testing.T) {
	t.Parallel()
	for name, effect := range map[string]apptest.Effect{
		"5xx": apptest.Fail(http.StatusServiceUnavailable, ""), "cut in the pack": apptest.Cut(300), "nonsense": apptest.Garbage(),
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, apptest.Options{})
			s.first = s.shop.Push("main", map[string]string{"large": incompressible()})
			outage := s.Inject(gitFetches, 0, effect)
			agent := s.start(s.task(note)...)
			s.awaitStatus(s.first, "error")
			outage.Lift()
			s.awaitStatus(s.first, "success")
			agent.stop()
			s.wantRan(s.first)
			s.wantSaid(s.first, "pending", "error", "success")
		})
	}
}

// incompressible is a text that makes a pack of several kilobytes.
func incompressible() string {
	var text strings.Builder
	for i := uint32(1); text.Len() < 20_000; {
		i = i*1664525 + 1013904223
		text.WriteByte(byte('!' + i>>24%90))
	}
	return text.String()
}

func TestExpiredToken(t *testing.T) {
	s := newScene(t, apptest.Options{})
	agent := s.start(s.task(note)...)
	s.awaitStatus(s.first, "success")
	s.Advance(2 * time.Hour)
	second := s.shop.Push("main", nil)
	s.awaitStatus(second, "success")
	agent.stop()
	s.wantRan(s.first, second)
	if n := s.Count(apptest.Filter{Method: http.MethodPost, Path: tokenRequests.Path, Status: http.StatusCreated}); n != 2 {
		t.Errorf("%d tokens, want 2", n)
	}
	if n := s.count("this host's clock is off"); n < 1 || n > 2 { // answers from before may come after
		t.Errorf("the clock is told of %d times", n)
	}
}

// TestLiveTokenRefused revokes the token, for the API and for git at different moments.
func TestLiveTokenRefused(t *testing.T) {
	s := newScene(t, apptest.Options{})
	agent := s.start(s.task(note)...)
	s.awaitStatus(s.first, "success")
	s.installation.RevokeTokens()
	second := s.shop.Push("main", nil)
	s.awaitStatus(second, "success")

	// git alone does not take it
	refused := s.Inject(apptest.Filter{Kind: apptest.Git}, 1, apptest.Fail(http.StatusUnauthorized, "", "WWW-Authenticate", `Basic realm="GitHub"`))
	third := s.shop.Push("main", nil)
	s.awaitStatus(third, "success")
	agent.stop()
	s.wantRan(s.first, second, third)
	s.wantSaid(third, "pending", "success")
	// One made a moment ago is tried again, an older one is replaced.
	if n := s.Count(tokenRequests); n != 2 && n != 3 || refused.Hits() != 1 {
		t.Errorf("%d tokens, want 2 or 3", n)
	}
	if s.count("level=ERROR") > 0 {
		t.Errorf("a refused token is no error\n%s", s.story())
	}
}

// TestKilledBeforeTheStatus kills kitops when the outcome is saved but not told.
func TestKilledBeforeTheStatus(t *testing.T) {
	s := newScene(t, apptest.Options{})
	agent := s.start(s.task(`sleep 0.2; ` + note)...)
	s.awaitStatus(s.first, "success")
	away := s.Inject(statusPosts, 0, apptest.Fail(http.StatusServiceUnavailable, ""))
	second := s.shop.Push("main", nil)
	agent.says("run finished.*sha="+second+"|sha="+second+".*run finished|msg=\"run finished\".*"+second, 1)
	agent.kill()
	away.Lift()
	agent = s.start(s.task(`sleep 0.2; ` + note)...)
	s.awaitStatus(second, "success")
	agent.stop()
	s.wantSaid(second, "success")
	s.wantRan(s.first, second)
}

// TestKilledInTheAction leaves a commit pending, which the next start mends,
// even when the task is gone by then.
func TestKilledInTheAction(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]func(*scene) []string{
		"same task": func(s *scene) []string { return s.task(note) },
		"task gone": func(s *scene) []string {
			return append(s.github(), "--url", s.path("other.git"), "--action", "true")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, apptest.Options{})
			agent := s.start(s.task(`exec sleep 1000`)...)
			s.awaitStatus(s.first, "pending")
			agent.says("action started", 1)
			agent.kill()
			agent = s.start(next(s)...)
			var told []apptest.Status
			s.await("the end of the run that was cut off", func() bool {
				told = s.statuses(s.first)
				return len(told) > 1
			})
			wantWords(t, told[1].Description, "interrupted", "will run again")
			if told[1].State != "error" {
				t.Errorf("%+v", told)
			}
			if name == "same task" {
				s.awaitStatus(s.first, "success")
				s.wantRan(s.first)
			}
			agent.stop()
		})
	}
}

// TestPollOnceInAnOutage gives up waiting after 30 seconds, and the next
// execution delivers.
func TestPollOnceInAnOutage(t *testing.T) {
	waits(t)
	s := newScene(t, apptest.Options{})
	away := s.Inject(statusPosts, 0, apptest.Fail(http.StatusServiceUnavailable, ""))
	begin := time.Now()
	s.once(0, s.task(note)...)
	if waited := time.Since(begin); waited < 10*time.Second {
		t.Errorf("waited only %s for the status", waited)
	}
	away.Lift()
	s.once(0, s.task(note)...)
	s.wantSaid(s.first, "success")
	s.wantRan(s.first)
}
