package poller

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store/lease"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// TestMembersSpreadTheirTasks has each task polled by one of them, by more while that is
// not settled, and by the others when one is gone.
func TestMembersSpreadTheirTasks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		remotes, tasks := repositories(40)
		all := make([]*member, 4)
		for i := range all {
			all[i] = joining(t, b, fmt.Sprintf("m%d", i), tasks...)
			all[i].start(t)
		}
		elapse(5 * time.Minute)
		polls := func(while time.Duration) float64 {
			before := looks(remotes)
			elapse(while)
			return float64(looks(remotes)-before) / while.Minutes()
		}
		if rate := polls(10 * time.Minute); rate < 40 || rate > 46 {
			t.Errorf("%.1f polls a minute of 40 tasks by four members", rate)
		}
		for _, m := range all {
			if len(m.told(Left)) == 0 {
				t.Error("nothing is told of polls that are left to others")
			}
			mine := 0
			for _, task := range tasks {
				if m.Members.Mine(task.Name) {
					mine++
				}
			}
			if mine < 3 || mine > 20 {
				t.Errorf("%s has %d of 40 tasks", m.instance.Owner.Name, mine)
			}
		}
		for i, r := range remotes {
			if _, runs := r.seen(); len(runs) != 1 {
				t.Errorf("task %d has run %q", i, runs)
			}
		}
		all[0].crash()
		all[1].stop()
		elapse(2 * lease.TTL)
		if rate := polls(10 * time.Minute); rate < 40 || rate > 46 {
			t.Errorf("%.1f polls a minute of 40 tasks by two members", rate)
		}
	})
}

// TestPollsAskNothingOfTheStore, which a member asks twice at each beat, whatever the number of
// tasks; and the members together poll as often as one agent would.
func TestPollsAskNothingOfTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		remotes, tasks := repositories(50)
		const count = 5
		for n := range count {
			joining(t, b, fmt.Sprintf("m%d", n), tasks...).start(t)
		}
		elapse(4 * time.Minute)
		asked := func() int { return b.Asked("Get") + b.Asked("Put") + b.Asked("List") + b.Asked("Remove") }
		requests, polls := asked(), looks(remotes)
		const while = 10 * time.Minute
		elapse(while)
		if made := asked() - requests; made > count*2*int(while/(lease.TTL/3)) {
			t.Errorf("%d requests by %d members in %s", made, count, while)
		}
		if made := looks(remotes) - polls; made > len(tasks)*11 {
			t.Errorf("%d polls of %d tasks in %s", made, len(tasks), while)
		}
	})
}

// TestWhatADeadMemberLeft is run by another within two ttl, also where the next poll is far.
func TestWhatADeadMemberLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		remotes, tasks := repositories(6)
		all := map[string]*member{}
		for i := range tasks {
			tasks[i].Interval = 6 * time.Hour
			works(remotes[i], 20*time.Minute)
		}
		for _, name := range []string{"a", "c", "d"} {
			all[name] = joining(t, b, name, tasks...)
			all[name].Parallel = 6
			all[name].start(t)
		}
		elapse(time.Minute)
		state, err := all["a"].remembered(t.Context(), "task-0")
		if err != nil || !state.unfinished() {
			t.Fatalf("%+v, %v", state, err)
		}
		dead := state.Lease.Owner.Name
		all[dead].crash()
		died := time.Now()
		left := 0
		for i, r := range remotes {
			for name := range all {
				if name == dead {
					continue
				}
				seen, _, err := all[name].recalled(tasks[i].Name)
				if err == nil && seen.Lease.Owner.Name == dead && seen.unfinished() {
					left++
					for _, runs := r.seen(); len(runs) < 2 && time.Since(died) < 2*lease.TTL; _, runs = r.seen() {
						elapse(time.Second)
					}
					if _, runs := r.seen(); len(runs) != 2 {
						t.Errorf("%s after %s: runs %q", tasks[i].Name, time.Since(died), runs)
					}
				}
				break
			}
		}
		if left == 0 {
			t.Error("it left nothing")
		}
	})
}

// TestEachMemberRunsForItself has a fleet, of which each remembers what it has run, whatever
// becomes of the store meanwhile.
func TestEachMemberRunsForItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		remotes := map[string]*remote{}
		all := map[string]*member{}
		for _, name := range []string{"a", "c", "d"} {
			r := newRemote("main a")
			task := r.task("fleet", "main")
			task.Each, task.FinishUnleased = true, true
			remotes[name], all[name] = r, joining(t, b, name, task)
			all[name].start(t)
		}
		elapse(3 * time.Minute)
		ended := ""
		remotes["c"].work = func(ctx context.Context, _ git.Revision) error {
			select {
			case <-time.After(10 * time.Minute):
				ended = "by itself"
			case <-ctx.Done():
				ended = "stopped"
			}
			return context.Cause(ctx)
		}
		for _, r := range remotes {
			r.push("main", "b")
		}
		elapse(2 * time.Minute)
		all["c"].strand.set(true)
		elapse(10 * time.Minute)
		if ended != "by itself" {
			t.Errorf("the run of one that is cut off ended %q", ended)
		}
		all["c"].strand.set(false)
		elapse(5 * time.Minute)
		for name, r := range remotes {
			if _, runs := r.seen(); fmt.Sprint(runs) != "[main a main b]" {
				t.Errorf("%s has run %q", name, runs)
			}
			if state, err := all[name].remembered(t.Context(), "fleet"); err != nil || state.Refs["refs/heads/main"].Applied != sha("b") {
				t.Errorf("%s remembers %+v, %v", name, state, err)
			}
		}
	})
}

// TestPollOnceSharesTheWork of a schedule: those that others poll come last.
func TestPollOnceSharesTheWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		remotes, tasks := repositories(20)
		for _, r := range remotes {
			works(r, 10*time.Second)
		}
		var once sync.WaitGroup
		var both []*member
		for _, name := range []string{"one", "two"} {
			m := joining(t, b, name, tasks...)
			if err := m.Members.Claim(t.Context()); err != nil {
				t.Fatal(err)
			}
			both = append(both, m)
		}
		elapse(time.Second)
		for _, m := range both {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() { _ = m.Members.Run(ctx) }()
		}
		elapse(21 * time.Second)
		for _, m := range both {
			once.Go(func() {
				if err := m.Once(t.Context(), false); err != nil {
					t.Error(err)
				}
			})
		}
		once.Wait()
		shares := map[string]int{}
		for i, r := range remotes {
			polls, runs := r.seen()
			if len(runs) != 1 || polls > 4 {
				t.Errorf("task %d: %d polls, runs %q", i, polls, runs)
			}
		}
		for _, m := range both {
			shares[m.instance.Owner.Name] = len(m.told(Finished))
		}
		if shares["one"] < 4 || shares["two"] < 4 {
			t.Errorf("shares %v", shares)
		}
	})
}
