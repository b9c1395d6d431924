package poller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store/lease"
	"github.com/bittrance/kitops/poller/store/members"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// TestFleetOf counts what instances have.
func TestFleetOf(t *testing.T) {
	t.Parallel()
	rev := git.Revision{Ref: "refs/heads/main", SHA: sha("b")}
	has := func(applied string, run *Run) State {
		return State{Refs: map[string]RefState{rev.Ref: {Applied: applied, Run: run}}}
	}
	good := has(rev.SHA, &Run{Revision: rev, Outcome: Success})
	old := has(sha("a"), nil)
	failed := has(sha("a"), &Run{Revision: rev, Outcome: Failure})
	cutOff := has(sha("a"), &Run{Revision: rev, Outcome: Error, Reason: "interrupted by the end of kitops, will run again"})
	elsewhere := has(sha("a"), &Run{Revision: git.Revision{Ref: rev.Ref, SHA: sha("c")}, Outcome: Failure})
	for name, test := range map[string]struct {
		all     map[string]State
		outcome Outcome
		reason  string
	}{
		"all":         {map[string]State{"a": good, "c": good}, Success, "all 2 instances have it"},
		"one has not": {map[string]State{"a": good, "c": old, "d": {}}, Pending, ""},
		"one failed":  {map[string]State{"a": good, "c": failed, "d": old}, Failure, "failed on c; 1 of 3 instances have it"},
		"one was cut": {map[string]State{"a": good, "c": cutOff}, Pending, ""},
		"older":       {map[string]State{"a": good, "c": elsewhere}, Pending, ""},
	} {
		if run := fleetOf(rev, test.all).run("fleet", rev); run.Outcome != test.outcome || run.Reason != test.reason {
			t.Errorf("%s: %s %q", name, run.Outcome, run.Reason)
		}
	}
}

// TestAFleetReportsTogether: one status says how a revision stands on all live instances.
func TestAFleetReportsTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		var mu sync.Mutex
		var reports []string
		remotes, all := map[string]*remote{}, map[string]*member{}
		for _, name := range []string{"a", "c", "d"} {
			r := newRemote("main a")
			task := r.task("fleet", "main")
			task.Each, task.FinishUnleased, task.Fleet, task.ReportTo = true, true, true, "kitops/fleet"
			remotes[name], all[name] = r, joining(t, b, name, task)
			all[name].Report = func(_ context.Context, report Report) error {
				mu.Lock()
				defer mu.Unlock()
				reports = append(reports, strings.TrimSpace(fmt.Sprintf("%s %s %s", report.Run.Revision.SHA[:1], report.Run.Outcome, report.Run.Reason)))
				return nil
			}
			all[name].start(t)
		}
		told := func(what string, want ...string) {
			t.Helper()
			mu.Lock()
			defer mu.Unlock()
			reports = slices.DeleteFunc(reports, func(r string) bool { return strings.HasPrefix(r, "a ") })
			if !slices.Equal(reports, want) {
				t.Errorf("%s: reports %q, want %q", what, reports, want)
			}
			reports = nil
		}
		elapse(5 * time.Minute)
		told("at first")
		works(remotes["c"], 5*time.Minute)
		for _, r := range remotes {
			r.push("main", "b")
		}
		elapse(3 * time.Minute)
		told("one runs", "b pending")
		elapse(5 * time.Minute)
		told("all have it", "b success all 3 instances have it")
		remotes["d"].work = func(context.Context, git.Revision) error { return errors.New("no room") }
		for _, r := range remotes {
			r.push("main", "e")
		}
		elapse(4 * time.Minute)
		mu.Lock()
		if last := reports[len(reports)-1]; last != "e failure failed on d; 1 of 3 instances have it" && last != "e failure failed on d; 2 of 3 instances have it" {
			t.Errorf("one has failed: reports %q", reports)
		}
		mu.Unlock()
		seen, err := all["a"].Membership(t.Context())
		if err != nil || len(seen.Members) != 3 || len(seen.Members[2].Each) != 1 || seen.Members[2].Each[0] != (FleetStanding{"fleet", "refs/heads/main", sha("b"), "error"}) {
			t.Errorf("%+v, %v", seen, err)
		}
	})
}

// TestMembershipTells who runs and polls what, and what has nobody.
func TestMembershipTells(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		remotes, tasks := repositories(6)
		for _, r := range remotes {
			works(r, time.Hour)
		}
		one, two := joining(t, b, "one", tasks...), joining(t, b, "two", append(tasks, newRemote("main a").task("only two", "main"))...)
		two.Members.Describe(2, map[string]string{"zone": "north"})
		one.start(t)
		two.start(t)
		elapse(2 * time.Minute)
		m, err := one.Membership(t.Context())
		if err != nil || len(m.Members) != 2 || m.Members[0].Running+m.Members[1].Running < 4 {
			t.Errorf("%+v, %v", m, err)
		}
		if polls := m.Members[0].Polls + m.Members[1].Polls; polls != 7 || m.Members[1].Labels["zone"] != "north" || m.Members[1].Capacity != 2 {
			t.Errorf("%+v", m)
		}
		two.crash()
		elapse(3 * time.Minute)
		if m, err = one.Membership(t.Context()); err != nil || len(m.Members) != 1 || fmt.Sprint(m.Unpolled) != "[only two]" {
			t.Errorf("%+v, %v", m, err)
		}
	})
}

// TestStandingsBeforeTheFirstRun: a task has a row as soon as an instance has it, with a memory or without.
func TestStandingsBeforeTheFirstRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		r := newRemote("main a")
		r.hang = true
		fleet := r.task("fleet", "main")
		fleet.Each = true
		one := joining(t, b, "one", r.task("leased", "main"), r.task("shop", "main"), fleet)
		one.start(t)
		for _, name := range []string{"accounts", "leased"} {
			if m := one.memory(name); m.Acquire(t.Context()) != nil {
				t.Fatal("no lease on " + name)
			}
		}
		elapse(time.Minute)
		other := joining(t, b, "other")
		view, err := members.Look(t.Context(), other.Members.Root, lease.TTL, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		all, err := Outside{Documents: other.Members.Documents, View: view}.Standings(t.Context())
		var rows []string
		for _, s := range all {
			rows = append(rows, s.Task+": "+s.Why)
		}
		if want := "[fleet: nothing has run yet leased: nothing has run yet shop: nothing has run yet]"; err != nil || fmt.Sprint(rows) != want {
			t.Errorf("%s, %v, want %s", rows, err, want)
		}
	})
}

// TestReleaseEndsTheLeasesOfOneThatIsGone so that the others need not wait.
func TestReleaseEndsTheLeasesOfOneThatIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		r := newRemote("main a")
		works(r, time.Hour)
		fleet := r.task("fleet", "main")
		fleet.Each = true
		gone := joining(t, b, "gone", r.task("shop", "main"), fleet)
		gone.start(t)
		elapse(time.Minute)
		gone.crash()
		by := joining(t, b, "by").instance
		by.Predecessors = []string{gone.instance.Owner.ID}
		other := joining(t, b, "other")
		outside := Outside{Documents: other.Members.Documents, Own: []members.Own{{Task: "fleet", Member: "gone"}, {Task: "fleet", Member: "other"}}}
		for _, want := range []string{"[shop fleet on gone]", "[]"} {
			released, err := outside.Release(t.Context(), by, gone.instance.Owner)
			if err != nil || fmt.Sprint(released) != want {
				t.Errorf("released %q, %v, want %s", released, err, want)
			}
		}
		m := other.memory("shop")
		if err := m.Acquire(t.Context()); err != nil || m.State.Lease.Fence < 3 {
			t.Errorf("%+v, %v", m.State.Lease, err)
		}
	})
}
