package runners_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/app/runners"
)

// TestPollHoldsNothingUp: while GitHub has nothing to say, runners are registered and removed, and a stop does not wait for it.
func TestPollHoldsNothingUp(t *testing.T) {
	t.Parallel()
	s := newScene(t, apptest.RunnerOptions{LongPoll: time.Hour}, false)
	s.options.Min = 1
	_, stop := s.start()
	set := s.scaleSet()
	polls := apptest.Filter{Method: "GET", Path: "/_services/pipelines/queue/*"}
	s.waitFor("a poll, and beside it a runner", func() bool { return s.hub.Count(polls) == 1 && s.starts() == 1 })
	stop()
	if left := set.Registrations(); len(left) > 0 || set.Listener() != "" {
		t.Errorf("still registered: %v, listener %q", left, set.Listener())
	}
	if n := s.hub.Count(polls); n != 1 {
		t.Errorf("%d polls", n)
	}
}

// TestRegistrationIsAskedForOnce: where it is refused or not answered, another runner of another name is registered, and what
// may have been registered is removed.
func TestRegistrationIsAskedForOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t, apptest.RunnerOptions{}, false)
	s.options.Max = 1
	registering := apptest.Filter{Path: "/_services/**/generatejitconfig"}
	s.hub.Inject(registering, 1, apptest.Cut(0))
	s.hub.Inject(registering, 1, apptest.Refuse(409, "AgentExistsException", "A runner exists with the same name"))
	s.start()
	set := s.scaleSet()
	job := set.Queue("waiting", "50ms")
	s.waitFor("it is done", func() bool { return job.State() == "succeeded" })
	if n := s.hub.Count(registering); n != 3 {
		t.Errorf("%d registrations were asked for", n)
	}
	s.waitFor("nothing is registered", func() bool { return len(set.Registrations()) == 0 })
	s.waitFor("nothing is remembered", func() bool { return len(s.registered.get().Runners) == 0 })
	if names := s.names(); len(names) != len(slices.Compact(slices.Sorted(slices.Values(names)))) {
		t.Errorf("a name was used twice: %v", names)
	}
}

// names are those of runners that were started.
func (s *scene) names() []string { s.mu.Lock(); defer s.mu.Unlock(); return slices.Clone(s.started) }

// TestForeignLabels: jobs find a scale set by labels that it does not have from kitops, and that is said.
func TestForeignLabels(t *testing.T) {
	t.Parallel()
	s := newScene(t, apptest.RunnerOptions{}, false)
	s.hub.MakeScaleSet("acme", "build", "gpu", "self-hosted")
	s.start()
	s.scaleSet()
	s.waitFor("it says so", func() bool {
		return strings.Contains(s.log.String(), "jobs do not find the scale set by its name") && strings.Contains(s.log.String(), "gpu, self-hosted")
	})
}

// TestSlowRunner: a job that waits for longer than two minutes is told of, and how long each waited is counted.
func TestSlowRunner(t *testing.T) {
	t.Parallel()
	s := newScene(t, apptest.RunnerOptions{}, false)
	s.options.Second = time.Millisecond
	begin, waits := make(chan struct{}), make(chan time.Duration, 2)
	s.options.Run = func(ctx context.Context, p runners.Process) error { <-begin; return s.run(ctx, p) }
	s.options.Waited = func(d time.Duration) { waits <- d }
	s.start()
	set := s.scaleSet()
	job := set.Queue("patient", "1ms")
	s.waitFor("it is assigned", func() bool { return job.State() == "assigned" && set.Messages() == 0 })
	acknowledged := time.Now()
	s.waitFor("two of its minutes pass", func() bool { return time.Since(acknowledged) > 120*s.options.Second })
	close(begin)
	if waited := <-waits; waited < 120*s.options.Second {
		t.Errorf("it waited for %s", waited)
	}
	s.waitFor("it is done, and told of", func() bool {
		return job.State() == "succeeded" && strings.Contains(s.log.String(), "has waited long for its runner")
	})
}

// TestSurplusEnds: a runner that nobody needs any more waits for five minutes, and is then taken back from GitHub and ended.
func TestSurplusEnds(t *testing.T) {
	t.Parallel()
	s := newScene(t, apptest.RunnerOptions{LongPoll: 20 * time.Millisecond}, false)
	s.options.Second = time.Millisecond
	running, _ := s.start()
	set := s.scaleSet()
	set.Count(1)
	s.waitFor("one is tried", func() bool { return len(set.Registrations()) == 1 && s.starts() == 1 })
	counted := time.Now()
	set.Count(0)
	s.waitFor("it has ended", func() bool { return len(s.conclusions()) == 1 })
	if took := time.Since(counted); took < 300*s.options.Second {
		t.Errorf("it had only %s", took)
	}
	if c := s.conclusions()[0]; c.Worked || c.Result != "idle" || c.Reason != "" {
		t.Errorf("it ended like this: %+v", c)
	}
	s.waitFor("nothing is left of it", func() bool { return running.Standing().Running == 0 })
	if left := set.Registrations(); len(left) > 0 || s.starts() != 1 {
		t.Errorf("registered are %v, after %d starts", left, s.starts())
	}
}
