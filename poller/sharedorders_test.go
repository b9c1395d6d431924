package poller

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/store/lease"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// TestOrdersReachTheMemberThatRuns at its next renewal: any member takes a cancellation.
func TestOrdersReachTheMemberThatRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		r := newRemote("main a")
		works(r, time.Hour)
		task := r.task("shop", "main")
		task.Interval = 24 * time.Hour
		one, two := joining(t, b, "one", task), joining(t, b, "two", task)
		one.start(t)
		two.start(t)
		elapse(30 * time.Second)
		state, err := one.remembered(t.Context(), "shop")
		run := state.Refs["refs/heads/main"].Run
		if err != nil || run == nil || run.Outcome != Pending {
			t.Fatalf("%+v, %v", state, err)
		}
		other := map[string]*member{"one": two, "two": one}[state.Lease.Owner.Name]
		all, err := other.Standings(t.Context())
		if err != nil || !strings.HasPrefix(all[0].Refs[0].Why, "runs on "+state.Lease.Owner.Name+" since ") || all[0].Refs[0].Member != state.Lease.Owner.Name {
			t.Errorf("%+v, %v", all, err)
		}
		if _, err := other.Cancel(t.Context(), run.ID, "anna"); err != nil {
			t.Fatal(err)
		}
		elapse(lease.TTL/3 + time.Second)
		ended, err := other.remembered(t.Context(), "shop")
		if last := ended.Refs["refs/heads/main"].Run; err != nil || last.Outcome != Failure || last.Reason != "cancelled by anna" {
			t.Errorf("a third of the ttl later %+v, %v", last, err)
		}
		if _, err := other.Order(t.Context(), "shop", Order{What: Again, By: "anna"}); err != nil {
			t.Fatal(err)
		}
		elapse(lease.TTL/3 + time.Second)
		if _, runs := r.seen(); len(runs) != 2 {
			t.Errorf("runs %q", runs)
		}
		third := joining(t, b, "three")
		third.start(t)
		if _, err := third.Order(t.Context(), "shop", Order{What: Pause, By: "anna"}); err != nil {
			t.Errorf("a member without the task: %v", err)
		}
		elapse(lease.TTL/3 + time.Second)
		if state, err := one.remembered(t.Context(), "shop"); err != nil || state.Paused == nil {
			t.Errorf("%+v, %v", state.Paused, err)
		}
	})
}

// TestANudgePollsWhereItArrives: a webhook reaches one member, whosever task it is for.
func TestANudgePollsWhereItArrives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		remotes, tasks := repositories(8)
		one, two := joining(t, b, "one", tasks...), joining(t, b, "two", tasks...)
		one.start(t)
		two.start(t)
		elapse(5 * time.Minute)
		for i := range tasks {
			m := one
			if one.Members.Mine(tasks[i].Name) {
				m = two
			}
			remotes[i].push("main", "b")
			m.NudgeTask(tasks[i].Name)
			elapse(time.Second)
			if _, runs := remotes[i].seen(); len(runs) != 2 {
				t.Errorf("%s: runs %q", tasks[i].Name, runs)
			}
		}
	})
}

// TestWhatRanBesideAWatchGivesItsLeaseBack, also where another member polls the task: it was nudged here.
func TestWhatRanBesideAWatchGivesItsLeaseBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, r, g := &objects.Bucket{}, newRemote("main a"), &gauge{}
		r.work = g.during(time.Minute)
		task := r.task("shop", "main")
		task.Rules.Parallel = 2
		one, two := joining(t, b, "one", task), joining(t, b, "two", task)
		one.start(t)
		two.start(t)
		elapse(10 * time.Minute)
		m := one
		if one.Members.Mine("shop") {
			m = two
		}
		r.push("main", "b")
		m.NudgeTask("shop")
		elapse(10 * time.Minute)
		r.push("main", "c")
		elapse(10 * time.Minute)
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main a", "main b", "main c"})
	})
}

// TestAMemberThatIsBehind is helped by another one after three intervals and two ttl, and
// tells of it.
func TestAMemberThatIsBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		mine, others := newRemote("main a"), newRemote("main a")
		one, two := joining(t, b, "one", mine.task("shop", "main")), joining(t, b, "two", others.task("shop", "main"))
		one.start(t)
		two.start(t)
		elapse(3 * time.Minute)
		failing, helping, helper := mine, others, two
		if two.Members.Mine("shop") {
			failing, helping, helper = others, mine, one
		}
		failing.fail(errors.New("no route to the remote"))
		helping.push("main", "b")
		before, _ := helping.seen()
		elapse(4 * time.Minute)
		if now, _ := helping.seen(); now != before {
			t.Errorf("helped early")
		}
		elapse(3 * time.Minute)
		if _, runs := helping.seen(); !slices.Contains(runs, "main b") {
			t.Errorf("runs %q", runs)
		}
		if alone := helper.Members.View().Alone(); len(alone) != 0 {
			t.Errorf("nobody polls %q", alone)
		}
		helping.fail(errors.New("no route to the remote"))
		elapse(7 * time.Minute)
		if alone := helper.Members.View().Alone(); len(alone) != 1 {
			t.Errorf("nobody polls %q", alone)
		}
		if health := helper.Health(); !health[0].Behind {
			t.Errorf("health %+v", health)
		}
		failing.fail(nil)
		elapse(3 * time.Minute)
		if alone := helper.Members.View().Alone(); len(alone) != 0 {
			t.Errorf("nobody polls %q", alone)
		}
	})
}

// TestDefinitionsThatDifferAreTold once.
func TestDefinitionsThatDifferAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		r := newRemote("main a")
		mine, theirs := r.task("shop", "main"), r.task("shop", "main")
		mine.Definition, theirs.Definition = "1", "2"
		one, two := joining(t, b, "one", mine), joining(t, b, "two", theirs)
		one.start(t)
		two.start(t)
		elapse(10 * time.Minute)
		if told := one.reasons(); strings.Count(told, "another definition of this task is on two") != 1 {
			t.Errorf("told %q", told)
		}
	})
}
