package runners_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/app/runners"
)

// TestDrain: busy runners have their time, idle ones end at once, and nothing stays registered.
func TestDrain(t *testing.T) {
	t.Parallel()
	s := newScene(t, apptest.RunnerOptions{}, false)
	s.options.Min = 2
	_, stop := s.start()
	set := s.scaleSet()
	job := set.Queue("long", "700ms")
	s.waitFor("it runs", func() bool { return job.State() == "running" })
	s.waitFor("idle ones are ready", func() bool { return len(set.Registrations()) == 3 })
	stop()
	if job.State() != "succeeded" {
		t.Errorf("the job is %s", job.State())
	}
	if left := set.Registrations(); len(left) > 0 {
		t.Errorf("still registered: %v", left)
	}
	if set.Listener() != "" {
		t.Error("the session is not ended")
	}
}

// TestDrainEnds: who does not end in time is interrupted, and what takes no notice of that is ended.
func TestDrainEnds(t *testing.T) {
	t.Parallel()
	for take, want := range map[string]string{"1h": "canceled", "ignore": "running"} {
		s := newScene(t, apptest.RunnerOptions{Reassign: time.Hour}, false)
		s.options.Drain = 100 * time.Millisecond
		_, stop := s.start()
		job := s.scaleSet().Queue("endless", take)
		s.waitFor("it runs", func() bool { return job.State() == "running" })
		stop()
		if job.State() != want {
			t.Errorf("the job is %s, not %s", job.State(), want)
		}
		if c := s.conclusions()[0]; !strings.Contains(c.Reason, "kitops was stopped") {
			t.Errorf("%+v", c)
		}
	}
}

// TestDrainRaces: a job that is assigned between the look and the kill is not cut off.
func TestDrainRaces(t *testing.T) {
	t.Parallel()
	s := newScene(t, apptest.RunnerOptions{}, false)
	s.options.Min = 1
	_, stop := s.start()
	set := s.scaleSet()
	s.waitFor("an idle runner", func() bool { return len(set.Registrations()) == 1 && s.starts() == 1 })
	removing := s.hub.Inject(apptest.Filter{Method: "DELETE", Path: "/_services/**/agents/*"}, 1, apptest.Hang())
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	s.waitFor("it asks GitHub first", func() bool { return removing.Hits() == 1 })
	job := set.Assign("between", "200ms")
	s.waitFor("the runner has it", func() bool { return job.State() == "running" })
	removing.Lift()
	<-stopped
	if job.State() != "succeeded" {
		t.Errorf("the job is %s", job.State())
	}
}

// TestLostRunner: its job is done by another, and its registration goes as soon as GitHub lets it.
func TestLostRunner(t *testing.T) {
	t.Parallel()
	s := newScene(t, apptest.RunnerOptions{}, false)
	_, stop := s.start()
	set := s.scaleSet()
	job := set.Queue("unlucky", "crash")
	s.waitFor("it was begun three times", func() bool { _, started := job.Counts(); return started >= 3 })
	if acquired, _ := job.Counts(); acquired != 1 {
		t.Errorf("acquired %d times", acquired)
	}
	s.waitFor("the registrations of lost runners go", func() bool { return len(set.Registrations()) <= 2 })
	stop()
}

// TestRunnersThatDoNotWork: three quick ends without a job, and the set pauses and says why.
func TestRunnersThatDoNotWork(t *testing.T) {
	t.Parallel()
	s := newScene(t, apptest.RunnerOptions{}, false)
	s.options.Max, s.broken = 1, true
	set, _ := s.start()
	s.scaleSet().Queue("waiting", "1ms")
	s.waitFor("it pauses", func() bool { return strings.Contains(set.Standing().Why, "exit status 7") })
	if n := s.starts(); n != 3 {
		t.Errorf("%d tries before", n)
	}
	if log := s.log.String(); strings.Count(log, "level=ERROR") != 1 || !strings.Contains(log, "deprecated") {
		t.Errorf("the log:\n%s", log)
	}
	s.mu.Lock()
	s.broken = false
	s.mu.Unlock()
	s.waitFor("it goes on after the pause", func() bool { return set.Standing().Why == "" && s.starts() > 3 })
}

// TestNoRoom: a full disk starts nothing new, tells GitHub so, and what runs goes on.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	s := newScene(t, apptest.RunnerOptions{LongPoll: 50 * time.Millisecond}, false)
	set, _ := s.start()
	hub := s.scaleSet()
	first := queue(hub, 1, "300ms")
	s.waitFor("it runs", s.all(first, "running"))
	s.mu.Lock()
	s.refusing = errors.New("1 GB is free, less than min_free")
	s.mu.Unlock()
	s.waitFor("it says so", func() bool { return strings.Contains(set.Standing().Why, "1 GB is free") })
	polls := func() int { return s.hub.Count(apptest.Filter{Method: "GET", Path: "/_services/pipelines/queue/*"}) }
	before := polls()
	s.waitFor("GitHub hears of it", func() bool { return polls() > before+1 })
	more := queue(hub, 3, "1ms")
	s.waitFor("the first ends well", s.all(first, "succeeded"))
	if !s.all(more, "queued")() {
		t.Error("jobs were taken without room for them")
	}
	s.mu.Lock()
	s.refusing = nil
	s.mu.Unlock()
	s.waitFor("then the others", s.all(more, "succeeded"))
}

// TestNameBeforeConfiguration: a runner whose name cannot be saved is never registered, and its program is not to blame for
// that: it is the store.
func TestNameBeforeConfiguration(t *testing.T) {
	t.Parallel()
	s := newScene(t, apptest.RunnerOptions{}, false)
	s.registered.fail = errors.New("no space left on device")
	set, _ := s.start()
	hub := s.scaleSet()
	hub.Queue("waiting", "1ms")
	s.waitFor("it is in trouble", func() bool { return strings.Contains(set.Standing().Why, "no space left") })
	if n := s.hub.Count(apptest.Filter{Path: "/_services/**/generatejitconfig"}); n > 0 {
		t.Errorf("%d configurations were asked for", n)
	}
	s.waitFor("it pauses", func() bool { return set.Standing().Blocked })
	if log := s.log.String(); !strings.Contains(log, "runners cannot be started, so none is tried for a while") || strings.Contains(log, "deprecated") {
		t.Errorf("the log:\n%s", log)
	}
}

// TestLeftBehind: the registrations of a kitops that was killed go, also one that it knew only by name.
func TestLeftBehind(t *testing.T) {
	t.Parallel()
	s := newScene(t, apptest.RunnerOptions{}, false)
	s.options.Min = 2
	stopped := make(chan string, 2)
	s.options.Stop = func(_ context.Context, r runners.Runner) error { stopped <- r.Group; return nil }
	removal := apptest.Filter{Method: "DELETE", Path: "/_services/**/agents/*"}
	fault := s.hub.Inject(removal, 0, apptest.Fail(503, ""))
	s.options.Drain = time.Millisecond
	_, stop := s.start()
	set := s.scaleSet()
	s.waitFor("two idle ones", func() bool { return s.starts() == 2 })
	stop()
	fault.Lift()
	left := set.Registrations()
	if len(left) != 2 {
		t.Fatalf("registered are %v", left)
	}
	held := s.registered.get()
	held.Runners = slices.Clone(held.Runners)
	held.Runners[0].ID = 0
	s.registered.value = held
	s.options.Prefix, s.options.Min = "kitops-one-next", 0
	s.start()
	s.waitFor("they are gone", func() bool { return len(set.Registrations()) == 0 })
	for range 2 {
		if group := <-stopped; !strings.HasPrefix(group, "group of ") {
			t.Errorf("ended was %q", group)
		}
	}
}
