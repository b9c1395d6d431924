package poller

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

const fork = "refs/pull/7/head"

// forked is a task on main and on pull requests, of which number 7 is a stranger's.
func forked(r *remote, trust func(git.Revision) Trust) (Task, *remote) {
	theirs := newRemote()
	task := r.task("deploy", "main")
	task.Refs, task.RunNew = append(task.Refs, "refs/pull/*/head"), true
	task.Trust = func(rev git.Revision) Trust {
		if rev.Ref != fork {
			return Trust{}
		}
		return trust(rev)
	}
	task.Foreign = &Source{Checkout: theirs.Checkout}
	return task, theirs
}

func approving(git.Revision) Trust { return Trust{Foreign: true, Approve: true} }

// TestStrangersRevision runs once somebody has approved of exactly this one, from a mirror of its own, and once only.
func TestStrangersRevision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.ref(fork, "1")
		r.ref("refs/pull/8/head", "2")
		task, theirs := forked(r, approving)
		b := newBench(t, task)
		b.start(t)
		elapse(2 * time.Minute)
		ours := func() []string { _, runs := r.seen(); return runs }
		foreign := func() []string { _, runs := theirs.seen(); return runs }
		want(t, "trusted", ours(), []string{"main a", "pull/8/head 2"})
		want(t, "said", b.texts(Skipped), "waits for approval of 1111111")
		want(t, "again", b.ordered(t, Order{What: Again, Ref: fork}), "refused: no pull/7/head; there are: main, pull/8/head")
		r.ref(fork, "3") // between what was looked at and the approval
		want(t, "answer", b.ordered(t, Order{What: Approve, SHA: "1111"}), "runs with the next poll")
		elapse(2 * time.Minute)
		want(t, "another head", foreign(), []string(nil))
		want(t, "answer", b.ordered(t, Order{What: Approve, SHA: "3333"}), "runs with the next poll")
		elapse(2 * time.Minute)
		want(t, "approved", foreign(), []string{"pull/7/head 3"})
		want(t, "foreign", b.state(t, "deploy").Refs[fork].Run.Foreign, true)
		want(t, "twice", b.ordered(t, Order{What: Approve, SHA: "3333"}), "refused: no head that waits for approval begins with 3333")
		b.ordered(t, Order{What: Again, Ref: fork}) // by somebody who saw it run
		elapse(2 * time.Minute)
		want(t, "again", foreign(), []string{"pull/7/head 3", "pull/7/head 3"})
		r.ref(fork, "4") // between what was looked at and the order
		b.ordered(t, Order{What: Again, Ref: fork})
		elapse(2 * time.Minute)
		want(t, "another head", len(foreign()), 2)
		r.ref(fork, "3") // and back: the order was for this one
		elapse(2 * time.Minute)
		want(t, "the head of the order", len(foreign()), 3)
		b.ordered(t, Order{What: Pin, Ref: fork, SHA: sha("5")})
		elapse(2 * time.Minute)
		want(t, "pinned", len(foreign()), 3)
		want(t, "trusted", ours(), []string{"main a", "pull/8/head 2"})
	})
}

// TestStrangersRevisionIsTriedAgain where kitops could not run it: that is still the approved run.
func TestStrangersRevisionIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.ref(fork, "1")
		task, theirs := forked(r, approving)
		tries := 0
		theirs.work = func(context.Context, git.Revision) error {
			if tries++; tries < 3 {
				return fmt.Errorf("no room")
			}
			return nil
		}
		b := newBench(t, task)
		b.start(t)
		b.ordered(t, Order{What: Approve, SHA: "1111"})
		elapse(20 * time.Minute)
		want(t, "finished", b.told(Finished), []string{"finished main a success", "finished pull/7/head 1 error", "finished pull/7/head 1 error", "finished pull/7/head 1 success"})
	})
}

// TestStrangersWithoutAUser do not run, and status says why.
func TestStrangersWithoutAUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.ref(fork, "1")
		task, theirs := forked(r, func(git.Revision) Trust { return Trust{Foreign: true, Barred: "nobody is to run it"} })
		task.Notices = []Notice{{To: "x", On: []Change{Late}, Behind: time.Minute}}
		b := newBench(t, task)
		b.start(t)
		elapse(time.Hour)
		s, _, err := b.StandingOf(t.Context(), "deploy")
		if err != nil || len(s.Refs) != 2 {
			t.Fatal(s, err)
		}
		want(t, "why", s.Refs[1].Why, "nobody is to run it")
		_, runs := theirs.seen()
		want(t, "runs", runs, []string(nil))
		known, _ := b.Snapshot("deploy")
		want(t, "kept", known.Kept, map[string]bool{fork: true})
		want(t, "late", len(b.state(t, "deploy").Behind), 0)
	})
}

// TestStrangersRunOneAtATime also of several tasks, and hold up nobody else.
func TestStrangersRunOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gauge{}
		var tasks []Task
		var remotes []*remote
		for i := range 3 {
			r := newRemote("main a")
			r.ref(fork, "1")
			task, theirs := forked(r, func(git.Revision) Trust { return Trust{Foreign: true} })
			theirs.work = g.during(10 * time.Minute)
			task.Name, task.Digest, task.Rules.Parallel = fmt.Sprint("task", i), fmt.Sprint(i), 2
			tasks, remotes = append(tasks, task), append(remotes, r)
		}
		b := newBench(t, tasks...)
		b.start(t)
		elapse(3 * time.Minute)
		for _, r := range remotes {
			r.push("main", "b")
		}
		elapse(3 * time.Minute)
		want(t, "finished meanwhile", len(b.told(Finished)), 6)
		waits := 0
		for _, task := range tasks {
			s, _, _ := b.StandingOf(t.Context(), task.Name)
			if s.Refs[1].Why == waitsForForeign {
				waits++
			}
		}
		want(t, "wait", waits, 2)
		elapse(30 * time.Minute)
		want(t, "finished", len(b.told(Finished)), 9)
		want(t, "at once", g.peak(), 1)
	})
}

// TestStrangersSayNothingWhereOthersHaveSpoken of the same commit, before or while they run.
func TestStrangersSayNothingWhereOthersHaveSpoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task, theirs := forked(r, func(git.Revision) Trust { return Trust{Foreign: true} })
		theirs.work = (&gauge{}).during(5 * time.Minute)
		task.ReportTo = "kitops/deploy"
		task.Rules.Parallel = 2
		var mu sync.Mutex
		var heard []string
		b := newBench(t, task)
		b.Report = func(_ context.Context, r Report) error {
			mu.Lock()
			defer mu.Unlock()
			if r.Run.Outcome == Pending && r.Run.Revision.Ref != fork {
				return nil // it may be over before that is told
			}
			heard = append(heard, fmt.Sprintf("%s %.1s %s", r.Run.Revision.Name(), r.Run.Revision.SHA, r.Run.Outcome))
			return nil
		}
		b.start(t)
		r.push("main", "b")
		elapse(2 * time.Minute)
		r.ref(fork, "a") // which main was at
		elapse(10 * time.Minute)
		r.ref(fork, "c")
		elapse(2 * time.Minute)
		r.push("main", "c")
		elapse(10 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		want(t, "heard", heard, []string{"main a success", "main b success", "pull/7/head c pending", "main c success"})
		_, runs := theirs.seen()
		want(t, "runs", runs, []string{"pull/7/head a", "pull/7/head c"})
	})
}

// TestStrangersMessageIsReadElsewhere: nothing that a stranger has written comes into the mirror of others, not even to see
// whether it asks to be skipped.
func TestStrangersMessageIsReadElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.ref(fork, "1")
		task, theirs := forked(r, approving)
		task.Rules.SkipCI = true
		var ours []string
		task.Text = func(_ context.Context, rev git.Revision) (git.Text, error) {
			ours = append(ours, rev.Ref)
			return git.Text{}, nil
		}
		task.Foreign.Text = func(context.Context, git.Revision) (git.Text, error) { return git.Text{Message: "[skip ci]"}, nil }
		b := newBench(t, task)
		b.start(t)
		elapse(2 * time.Minute)
		b.ordered(t, Order{What: Approve, SHA: "1111"})
		elapse(2 * time.Minute)
		want(t, "ours", ours, []string{"refs/heads/main"})
		want(t, "skipped", b.state(t, "deploy").Refs[fork].Run.Reason, SkippedOnRequest)
		_, runs := theirs.seen()
		want(t, "checkouts", runs, []string(nil))
	})
}

// TestNoWayInRunsAnUnapprovedRevision: neither an order nor a restart, also where an older revision was approved.
func TestNoWayInRunsAnUnapprovedRevision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.ref(fork, "1")
		task, theirs := forked(r, approving)
		b := newBench(t, task)
		stop := b.start(t)
		none := func(way string) {
			t.Helper()
			elapse(3 * time.Minute)
			_, runs := theirs.seen()
			want(t, way, runs, []string{"pull/7/head 1"})
		}
		b.ordered(t, Order{What: Approve, SHA: "1111"})
		none("approved")
		r.ref(fork, "2")
		none("a push")
		for _, o := range []Order{
			{What: Again, Ref: fork},
			{What: Again, Ref: fork, SHA: "2222", Anyway: true},
			{What: Rollback, Ref: fork, SHA: sha("2")},
			{What: Pin, Ref: fork, SHA: sha("2")},
			{What: Pin, Ref: fork, SHA: sha("1")}, // whose approval is used
			{What: Again, Ref: fork},
			{What: Unpin, Ref: fork},
		} {
			b.ordered(t, o)
			none(o.What + " " + o.SHA)
		}
		stop()
		b = b.again(t, task)
		stop = b.start(t)
		none("a restart")
		stop()
		b = b.again(t, task)
		b.Afresh = true
		_ = b.Once(t.Context(), true)
		none("--poll-once --again")
	})
}
