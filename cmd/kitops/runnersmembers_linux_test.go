package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// crew are members that share a bucket and a scale set.
type crew struct {
	*scene
	bucket *objects.Bucket
	store  sharedWith
	flags  []string
	agents map[string]*watcher
}

func newCrew(t *testing.T, more string, members ...string) *crew {
	t.Helper()
	c := &crew{scene: newRunnersScene(t, apptest.Options{Runners: apptest.RunnerOptions{Reassign: 2 * time.Second}}), bucket: &objects.Bucket{}, agents: map[string]*watcher{}}
	c.store = onS3(t, c.bucket)
	c.flags = c.runners(more)
	c.env = append(c.env, append(c.store.env, "KITOPS_TEST_LEASE_TTL="+testLease.String())...)
	for _, name := range members {
		c.join(name)
	}
	return c
}

// join starts a member, or starts it again.
func (c *crew) join(name string) {
	c.t.Helper()
	c.agents[name] = c.startWith(c.flags, "--state", c.store.url, "--instance", name, "--repo-dir", c.path("clones-"+name), "--log-format", "text", "--control", "off")
}

// leader is who listens; "" for nobody.
func (c *crew) leader(set *apptest.ScaleSet) string {
	return strings.TrimPrefix(set.Listener(), "kitops on ")
}

// all waits until the listener knows what each member can have.
func (c *crew) all() *apptest.ScaleSet {
	c.t.Helper()
	set := c.listening()
	c.await("each says what it can have", func() bool {
		text := c.stored()
		return !slices.ContainsFunc([]string{"one", "two", "three"}, func(name string) bool { return !strings.Contains(text, "registered=20at=20"+name) })
	})
	return set
}

// stored is all that the bucket has.
func (c *crew) stored() string {
	c.t.Helper()
	var all bytes.Buffer
	for _, name := range c.bucket.Names() {
		object, err := c.bucket.Get(context.Background(), name)
		if err == nil { // else it went meanwhile
			fmt.Fprintf(&all, "%s\n%s\n", name, object.Body)
		}
	}
	return all.String()
}

// runnersOf are the processes of a member's runners.
func (c *crew) runnersOf(name string) (pids []int) {
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environs {
		if environ, err := os.ReadFile(path); err == nil && bytes.Contains(environ, []byte("HOME="+c.path("clones-"+name)+"/")) {
			pid, _ := strconv.Atoi(strings.Split(path, "/")[2])
			pids = append(pids, pid)
		}
	}
	return pids
}

func countOf(jobs []*apptest.Job, state string) (n int) {
	for _, j := range jobs {
		if j.State() == state {
			n++
		}
	}
	return n
}

// TestRunnersOfMembers: fifty jobs on three members, of which one is killed that listens, one that does not, with all its
// runners, and some runners alone. Each job is acquired once and done, no registration stays, and nothing secret is in the store.
func TestRunnersOfMembers(t *testing.T) {
	c := newCrew(t, "    max: 3\n    drain: 5m\n", "one", "two", "three")
	set := c.all()
	var jobs []*apptest.Job
	for i := range 50 {
		take := "200ms"
		if i%8 == 3 {
			take = fmt.Sprintf("once-%d 10ms", i)
		}
		jobs = append(jobs, set.Queue(fmt.Sprintf("job %d", i), take))
	}
	c.await("some are done", func() bool { return countOf(jobs, "succeeded") >= 5 })
	first := c.leader(set)
	if first == "" {
		t.Fatal("nobody listens")
	}
	c.agents[first].kill()
	c.await("another one listens", func() bool { by := c.leader(set); return by != "" && by != first })
	c.await("more are done", func() bool { return countOf(jobs, "succeeded") >= 15 })
	leader := c.leader(set)
	var lost string
	for name := range c.agents {
		if name != first && name != leader {
			lost = name
		}
	}
	c.agents[lost].kill()
	for _, pid := range c.runnersOf(lost) { // the whole machine
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	secret := regexp.MustCompile(`jit[0-9a-f]{100}|BEGIN|ghs_`)
	if text := c.stored(); secret.MatchString(text) {
		t.Errorf("the store has a secret:\n%s", text)
	}
	c.join(first)
	c.await("all are done", ended(jobs, "succeeded"))
	for _, j := range jobs {
		if acquired, _ := j.Counts(); acquired != 1 {
			t.Errorf("%s was acquired %d times", j.Title, acquired)
		}
		if longest := slices.Max(j.Waits()); longest > time.Minute {
			t.Errorf("%s waited for %s", j.Title, longest)
		}
	}
	c.await("the registrations of the lost one go", func() bool {
		return !slices.ContainsFunc(set.Registrations(), func(name string) bool { return strings.HasPrefix(name, "kitops-"+lost+"-") })
	})
	for name, agent := range c.agents {
		if name != lost {
			agent.stop()
		}
	}
	if left := set.Registrations(); len(left) > 0 || set.Used() > 1 || set.Listener() != "" {
		t.Errorf("still registered: %v, %d processes of one configuration, listener %q\n%s", left, set.Used(), set.Listener(), c.story())
	}
	for name := range c.agents {
		object, err := c.bucket.Get(t.Context(), "team/beside/runners=20build=3A=20registered=20at=20"+name+".yaml")
		said := string(object.Body)
		if err == nil && (name != lost && said != "" || strings.Count(said, "name: ") != strings.Count(said, "removed: true")) {
			t.Errorf("of %s the store still has\n%s", name, said)
		}
	}
}

// TestRunnersOfMembersDrain: who stops has its jobs end, another listens, and no job is begun twice.
func TestRunnersOfMembersDrain(t *testing.T) {
	c := newCrew(t, "    max: 2\n    drain: 5m\n", "one", "two", "three")
	set := c.all()
	jobs := queued(set, 6, "until-more")
	c.await("all run", ended(jobs, "running"))
	first := c.leader(set)
	_ = c.agents[first].cmd.Process.Signal(syscall.SIGTERM)
	more := queued(set, 6, "10ms")
	c.await("another one listens", func() bool { by := c.leader(set); return by != "" && by != first })
	c.write("marks/more", "")
	c.await("all are done", ended(append(jobs, more...), "succeeded"))
	<-c.agents[first].done
	for _, j := range append(jobs, more...) {
		if acquired, started := j.Counts(); acquired != 1 || started != 1 {
			t.Errorf("%s was acquired %d times and begun %d times\n%s", j.Title, acquired, started, c.story())
		}
	}
	for _, agent := range c.agents {
		agent.stop()
	}
	if left := set.Registrations(); len(left) > 0 {
		t.Errorf("still registered: %v", left)
	}
}
