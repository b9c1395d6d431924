package poller

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store"
)

// TestGroupRunsOneTaskAtATime and says who has it.
func TestGroupRunsOneTaskAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, g := newRemote("main a"), &gauge{}
		r.work = g.during(10 * time.Minute)
		a, b, c := r.task("deploy", "main"), r.task("migrate", "main"), r.task("other", "main")
		a.Rules.Group, b.Rules.Group = "prod-db", "prod-db"
		b.Rules.CancelOnPush = true // in a lane
		bench := newBench(t, a, b, c)
		bench.start(t)
		want(t, "at once", g.going(), 2)
		all, err := bench.Standings(t.Context())
		want(t, "why", all[1].Refs[0].Why, "waits for group prod-db, held by deploy")
		if err != nil {
			t.Fatal(err)
		}
		r.push("main", "b")
		elapse(time.Hour)
		want(t, "at once", g.peak(), 2)
		for _, task := range []string{"deploy", "migrate", "other"} {
			want(t, task, bench.state(t, task).Refs["refs/heads/main"].Applied, sha("b"))
		}
	})
}

// TestGroupAcrossInstances is kept by a lease, also when the one that has it is lost.
func TestGroupAcrossInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r, g := store.NewMemory(), newRemote("main a"), &gauge{}
		r.work = g.during(5 * time.Minute)
		deploy, migrate, h := r.task("deploy", "main"), reported(r, "migrate", "main"), &listener{}
		deploy.Rules.Group, migrate.Rules.Group = "prod-db", "prod-db"
		one, wire := sharing(t, s, "one", deploy)
		two, _ := sharing(t, s, "two", migrate)
		two.Report = h.report
		one.start(t)
		two.start(t)
		elapse(10 * time.Second)
		want(t, "why", two.why(t), "waits for group prod-db, held by deploy on one")
		want(t, "told", h.since(), []string{"a pending, turn, waits for group prod-db, held by deploy on one"})
		elapse(20 * time.Minute)
		want(t, "at once", g.peak(), 1)
		want(t, "finished", append(one.told(Finished), two.told(Finished)...), []string{"finished main a success", "finished main a success"})

		r.push("main", "b")
		one.NudgeAll()
		elapse(time.Second)
		two.NudgeAll()
		elapse(time.Second)
		wire.set(true) // one is cut off
		elapse(3 * time.Minute)
		want(t, "at once", g.peak(), 1)
		want(t, "two runs", two.state(t, "migrate").Refs["refs/heads/main"].Run.Revision, git.Revision{Ref: "refs/heads/main", SHA: sha("b")})
		wire.set(false)
		elapse(time.Hour)
		want(t, "at once", g.peak(), 1)
		want(t, "applied", one.state(t, "deploy").Refs["refs/heads/main"].Applied, sha("b"))
	})
}

// TestCancelAfter finishes the action first.
func TestCancelAfter(t *testing.T) {
	r := newRemote("main a")
	begun := make(chan struct{}, 10)
	task := script(r, "deploy", func(git.Revision) string { return "sleep 0.3" }, "main")
	plan := task.Plan
	task.Plan = func(ctx context.Context, dir string, rev git.Revision) (Plan, error) {
		p, err := plan(ctx, dir, rev)
		p.Actions[0].CancelAfter = true
		p.Actions = append(p.Actions, p.Actions[0])
		p.Actions[1].Name = "second"
		begun <- struct{}{}
		return p, err
	}
	b := newBench(t, task)
	ended := make(chan Event, 10)
	started := make(chan Event, 10)
	b.Observers = append(b.Observers, func(e Event) {
		switch e.Kind {
		case Finished:
			ended <- e
		case ActionStarted:
			started <- e
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	<-begun
	run := (<-started).Run
	if _, err := b.Cancel(t.Context(), run.ID, "anna"); err != nil {
		t.Fatal(err)
	}
	e := <-ended
	want(t, "outcome", e.Run.Reason, "cancelled by anna")
	want(t, "the second is not started", len(started), 0)
	if e.Run.Took < 300*time.Millisecond {
		t.Errorf("the action had %s", e.Run.Took)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestWhatRunsInAGroupDoesNotWait where group and slot were free.
func TestWhatRunsInAGroupDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, g := newRemote("main a"), &gauge{}
		r.work = g.during(10 * time.Minute)
		task := r.task("deploy", "main")
		task.Rules.Group, task.Rules.CancelOnPush = "prod-db", true // in a lane
		b := newBench(t, task)
		b.start(t)
		want(t, "at work", g.going(), 1)
		now, _ := b.Snapshot("deploy")
		want(t, "waiting", now.Waiting, false)
	})
}
