package runners_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/poller/secret"
)

func newSecret(text string) secret.Text { return secret.New(text) }

// TestJobsRun: each job has a runner of its own, no more of them together than may be, and nothing stays registered.
func TestJobsRun(t *testing.T) {
	t.Parallel()
	for _, enterprise := range []bool{false, true} {
		s := newScene(t, apptest.RunnerOptions{Offer: enterprise}, enterprise)
		_, stop := s.start()
		set := s.scaleSet()
		jobs := queue(set, 12, "20ms")
		s.waitFor("all jobs have succeeded", s.all(jobs, "succeeded"))
		stop()
		for _, j := range jobs {
			if acquired, started := j.Counts(); acquired != 1 || started != 1 {
				t.Errorf("%s was acquired %d times and started %d times", j.Title, acquired, started)
			}
		}
		if left := set.Registrations(); len(left) > 0 {
			t.Errorf("still registered: %v", left)
		}
		if left := s.registered.get().Runners; len(left) > 0 {
			t.Errorf("still remembered: %v", left)
		}
		if s.most > 4 || set.Used() != 1 {
			t.Errorf("%d runners together, %d processes of one configuration", s.most, set.Used())
		}
		if n := s.starts(); n > len(jobs)+1 {
			t.Errorf("%d runners for %d jobs", n, len(jobs))
		}
		for _, c := range s.conclusions() {
			if c.Result == "succeeded" && !strings.Contains(c.Job, "job ") {
				t.Errorf("the job is not named: %+v", c)
			}
		}
	}
}

// TestOrderOfAMessage: what cannot be saved or acquired is not acknowledged, so GitHub tells it again.
func TestOrderOfAMessage(t *testing.T) {
	t.Parallel()
	s := newScene(t, apptest.RunnerOptions{Offer: true}, false)
	s.options.Max = 1
	fault := s.hub.Inject(apptest.Filter{Path: "/_services/**/acquirejobs"}, 2, apptest.Fail(500, ""))
	s.start()
	set := s.scaleSet()
	jobs := queue(set, 3, "1ms")
	s.waitFor("the acquiring failed twice", func() bool { return fault.Hits() == 2 })
	s.waitFor("all jobs have succeeded", s.all(jobs, "succeeded"))
	for _, j := range jobs {
		if acquired, _ := j.Counts(); acquired != 1 {
			t.Errorf("%s was acquired %d times", j.Title, acquired)
		}
	}
	s.waitFor("all messages are acknowledged", func() bool { return set.Messages() == 0 })
	if s.most > 1 {
		t.Errorf("%d runners together", s.most)
	}
}

// TestSessionsThatEnd: whatever ends a session, another begins in its place.
func TestSessionsThatEnd(t *testing.T) {
	t.Parallel()
	sessions := apptest.Filter{Method: "POST", Path: "/_services/**/sessions"}
	polls := apptest.Filter{Method: "GET", Path: "/_services/pipelines/queue/*"}
	bad := map[string]func(*scene, *apptest.ScaleSet){
		"expired":       func(_ *scene, set *apptest.ScaleSet) { set.ExpireSession(false) },
		"not renewable": func(_ *scene, set *apptest.ScaleSet) { set.ExpireSession(true) },
		"no queue":      func(_ *scene, set *apptest.ScaleSet) { set.Hollow(2); set.ExpireSession(true) },
		"empty answer":  func(s *scene, _ *apptest.ScaleSet) { s.hub.Inject(polls, 4, apptest.Nothing()) },
		"nonsense":      func(s *scene, _ *apptest.ScaleSet) { s.hub.Inject(polls, 4, apptest.Garbage()) },
		"lost":          func(_ *scene, set *apptest.ScaleSet) { set.Lose() },
		"down":          func(s *scene, _ *apptest.ScaleSet) { s.hub.Inject(polls, 3, apptest.Drop()) },
		"tokens":        func(s *scene, set *apptest.ScaleSet) { s.hub.RevokeRunnerTokens(); set.ExpireSession(true) },
		"conflict": func(s *scene, set *apptest.ScaleSet) {
			s.hub.Inject(sessions, 3, apptest.Refuse(409, "RunnerScaleSetSessionConflictException", "an active session for owner other"))
			set.ExpireSession(true)
		},
	}
	for name, spoil := range bad {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, apptest.RunnerOptions{}, false)
			_, stop := s.start()
			set := s.scaleSet()
			first := queue(set, 1, "1ms")
			s.waitFor("the first job", s.all(first, "succeeded"))
			spoil(s, set)
			s.waitFor("a scale set is there again", func() bool { return s.hub.ScaleSet("acme", "build") != nil })
			second := queue(s.scaleSet(), 2, "1ms")
			s.waitFor("the jobs after that", s.all(second, "succeeded"))
			stop()
			if left := s.hub.ScaleSet("acme", "build").Registrations(); len(left) > 0 {
				t.Errorf("still registered: %v", left)
			}
		})
	}
}

// TestConflictNamesTheOther: who holds the session is told, also where that is a kitops of this host, and how long it lasts does not matter.
func TestConflictNamesTheOther(t *testing.T) {
	t.Parallel()
	s := newScene(t, apptest.RunnerOptions{}, false)
	_, stop := s.start()
	set := s.scaleSet()
	stop()
	set.Occupy("another host")
	running, _ := s.start()
	s.waitFor("it says so", func() bool {
		why := running.Standing().Why
		return strings.Contains(why, "another program listens") && strings.Contains(why, "another host")
	})
	set.Occupy(s.options.Owner)
	s.waitFor("it knows this host", func() bool { return strings.Contains(running.Standing().Why, "a kitops of this host") })
	set.Occupy("")
	jobs := queue(set, 1, "1ms")
	s.waitFor("then it works", s.all(jobs, "succeeded"))
}

// TestSessionOfTheDead: a kitops that was killed left its session, which the next start ends.
func TestSessionOfTheDead(t *testing.T) {
	t.Parallel()
	s := newScene(t, apptest.RunnerOptions{}, false)
	closing := s.hub.Inject(apptest.Filter{Method: "DELETE", Path: "/_services/**/sessions/*"}, 1, apptest.Drop())
	_, stop := s.start()
	set := s.scaleSet()
	stop()
	if closing.Hits() != 1 || set.Listener() == "" {
		t.Fatal("the session was ended")
	}
	begun := time.Now()
	s.start()
	jobs := queue(set, 1, "1ms")
	s.waitFor("the next start listens", s.all(jobs, "succeeded"))
	if strings.Contains(s.log.String(), "cannot listen") {
		t.Errorf("it took its own session for another's, after %s:\n%s", time.Since(begun), s.log)
	}
}

// TestStatisticsOfNothing: jobs that messages tell of have runners although GitHub counts none.
func TestStatisticsOfNothing(t *testing.T) {
	t.Parallel()
	s := newScene(t, apptest.RunnerOptions{}, false)
	s.start()
	set := s.scaleSet()
	set.Count(0)
	jobs := queue(set, 2, "1ms")
	s.waitFor("both jobs", s.all(jobs, "succeeded"))
}

// TestPhantoms: a count that is stuck costs one idle runner, and one that is right has all its jobs done.
func TestPhantoms(t *testing.T) {
	t.Parallel()
	s := newScene(t, apptest.RunnerOptions{LongPoll: 20 * time.Millisecond}, false)
	running, _ := s.start()
	set := s.scaleSet()
	set.Count(15)
	s.waitFor("one is tried", func() bool { return s.starts() == 1 })
	if at := running.Standing(); at.Untold != 15 || at.Wanted != 1 {
		t.Errorf("it stands like this: %+v", at)
	}
	polls := func() int { return s.hub.Count(apptest.Filter{Method: "GET", Path: "/_services/pipelines/queue/*"}) }
	before := polls()
	s.waitFor("many polls", func() bool { return polls() > before+20 })
	if n := s.starts(); n != 1 {
		t.Errorf("%d runners for jobs that do not exist", n)
	}
	set.Unheard(true)
	set.Count(-1)
	jobs := queue(set, 4, "1ms")
	s.waitFor("jobs that no message told of", s.all(jobs, "succeeded"))
	s.waitFor("GitHub counts no more", func() bool { return running.Standing().Untold == 0 })
}
