package runners_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/app/runners"
)

// TestMembersShareJobs: each has runners by what it can have, no job has two, and nothing stays registered.
func TestMembersShareJobs(t *testing.T) {
	t.Parallel()
	c := newCrew(t)
	most := map[string]int{"one": 1, "two": 2, "three": 3}
	for name, n := range most {
		c.join(name, n)
	}
	set := c.heard()
	long := queue(set, 6, "1h")
	c.waitFor("as many jobs run as all can have", c.all(long, "running"))
	for name, n := range most {
		if got := c.startedBy(name); got != n {
			t.Errorf("%s has %d runners, not %d", name, got, n)
		}
	}
	more := queue(set, 3, "1ms")
	for _, stop := range c.stops {
		go stop()
	}
	for _, stop := range c.stops {
		stop()
	}
	if !c.all(more, "queued")() {
		t.Error("more jobs were taken than there are runners for")
	}
	if left := set.Registrations(); len(left) > 0 || set.Listener() != "" {
		t.Errorf("still registered: %v, listener %q", left, set.Listener())
	}
	if len(c.said) > 0 {
		t.Errorf("the store keeps %+v", c.said)
	}
}

// TestMembersDoManyJobs one after the other, each once, with as many runners as there are jobs, and their results are known
// where their runners were.
func TestMembersDoManyJobs(t *testing.T) {
	t.Parallel()
	c := newCrew(t)
	for _, name := range []string{"one", "two", "three"} {
		c.join(name, 2)
	}
	set := c.heard()
	jobs := queue(set, 40, "5ms")
	c.waitFor("all jobs have succeeded", c.all(jobs, "succeeded"))
	for _, j := range jobs {
		if acquired, started := j.Counts(); acquired != 1 || started != 1 {
			t.Errorf("%s was acquired %d times and started %d times", j.Title, acquired, started)
		}
	}
	if n := c.starts(); n > len(jobs)+6 {
		t.Errorf("%d runners for %d jobs", n, len(jobs))
	}
	for _, name := range []string{"one", "two", "three"} {
		if c.startedBy(name) == 0 {
			t.Errorf("%s had nothing to do", name)
		}
	}
	for _, stop := range c.stops {
		stop()
	}
	if left := set.Registrations(); len(left) > 0 {
		t.Errorf("still registered: %v", left)
	}
}

// TestListenerLeaves: another one listens, knows what the first did, and the first one's jobs end as they would.
func TestListenerLeaves(t *testing.T) {
	t.Parallel()
	c := newCrew(t)
	c.join("one", 2)
	set := c.heard()
	c.waitFor("one leads", func() bool { return c.leader() == "one" })
	c.join("two", 2)
	c.heard()
	slow := set.Queue("slow", "500ms")
	c.waitFor("it runs", func() bool { return slow.State() == "running" })
	stopped := make(chan struct{})
	go func() { c.stops["one"](); close(stopped) }()
	c.waitFor("two leads", func() bool { return c.leader() == "two" && set.Listener() == "kitops on two" })
	jobs := queue(set, 4, "1ms")
	c.waitFor("two does the others", c.all(jobs, "succeeded"))
	<-stopped
	if slow.State() != "succeeded" {
		t.Errorf("the slow job is %s", slow.State())
	}
	for _, conclusion := range c.conclusions() {
		if conclusion.Reason != "" {
			t.Errorf("%+v", conclusion)
		}
	}
	if by := c.sets["two"].Standing().Listener; by != "two" {
		t.Errorf("%q listens", by)
	}
}

// TestDeadMember: its registrations are removed by another, jobs that were meant for it run elsewhere, and what it has to end
// itself is kept for it.
func TestDeadMember(t *testing.T) {
	t.Parallel()
	c := newCrew(t)
	c.options.Min = 2
	c.join("one", 2)
	set := c.heard()
	c.waitFor("two idle runners", func() bool { return len(set.Registrations()) == 2 && c.starts() == 2 })
	removal := c.hub.Inject(apptest.Filter{Method: "DELETE", Path: "/_services/**/agents/*"}, 0, apptest.Fail(503, ""))
	c.options.Drain = time.Millisecond
	c.store.mu.Lock()
	before := c.said["one"]
	c.store.mu.Unlock()
	c.options.Hard = closedChannel()
	c.stops["one"]()
	removal.Lift()
	c.store.mu.Lock() // as if it had been killed
	before.Runners[0].ID = 0
	c.said["one"], c.dead[before.Start] = before, true
	c.published.Jobs = append(c.published.Jobs, runners.Job{ID: 1, At: time.Now(), Member: "one"})
	c.store.mu.Unlock()
	c.options.Min = 0
	c.join("two", 2)
	c.waitFor("its registrations are gone", func() bool { return len(set.Registrations()) <= 1 && c.startedBy("two") == 1 })
	c.waitFor("its processes are not forgotten", func() bool {
		c.store.mu.Lock()
		defer c.store.mu.Unlock()
		left := c.said["one"]
		return left.Capacity == 0 && len(left.Runners) == 2 && left.Runners[0].Removed && left.Runners[1].Removed
	})
	stopped := make(chan string, 2)
	c.options.Stop = func(_ context.Context, r runners.Runner) error { stopped <- r.Name; return nil }
	c.store.mu.Lock()
	c.dead = map[string]bool{}
	c.store.mu.Unlock()
	c.join("one", 2)
	for range 2 {
		if name := <-stopped; !strings.HasPrefix(name, "kitops-one-") {
			t.Errorf("ended was %q", name)
		}
	}
	c.waitFor("then they are", func() bool {
		c.store.mu.Lock()
		defer c.store.mu.Unlock()
		return len(c.said["one"].Runners) == 0
	})
}

func closedChannel() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// TestStoreOutage: what runs goes on, nothing new is registered, and then all is as before.
func TestStoreOutage(t *testing.T) {
	t.Parallel()
	c := newCrew(t)
	c.join("one", 2)
	set := c.heard()
	first := set.Queue("first", "300ms")
	c.waitFor("it runs", func() bool { return first.State() == "running" })
	c.store.mu.Lock()
	c.down = true
	c.store.mu.Unlock()
	registering := apptest.Filter{Path: "/_services/**/generatejitconfig"}
	before := c.hub.Count(registering)
	more := queue(set, 2, "1ms")
	c.waitFor("the first ends", func() bool { return first.State() == "succeeded" })
	c.waitFor("it says so", func() bool { return strings.Contains(c.sets["one"].Standing().Why, errDown.Error()) })
	if n := c.hub.Count(registering); n != before {
		t.Errorf("%d configurations were asked for", n-before)
	}
	c.store.mu.Lock()
	c.down = false
	c.store.mu.Unlock()
	c.waitFor("then the others", c.all(more, "succeeded"))
	if strings.Contains(c.log.String(), "deprecated") {
		t.Error("the runner program is blamed")
	}
}
