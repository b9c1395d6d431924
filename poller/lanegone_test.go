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

// TestARefThatIsGoneWhileItRuns is remembered until its run has ended, which is reported as it began.
func TestARefThatIsGoneWhileItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, g := newRemote("main a", "side b"), &gauge{}
		r.work = g.during(10 * time.Minute)
		task := reported(r, "deploy", "*")
		task.RunNew, task.ReportAs, task.Rules.Parallel = true, "check", 2
		var mu sync.Mutex
		var heard []string
		b := newBench(t, task)
		b.Report = func(_ context.Context, r Report) error {
			mu.Lock()
			defer mu.Unlock()
			if r.Run.Revision.Name() == "side" {
				heard = append(heard, fmt.Sprint(r.As, " ", r.Run.Outcome, " after ", *r.Note))
				*r.Note = "noted"
			}
			return nil
		}
		b.start(t)
		elapse(2 * time.Minute)
		r.remove("side")
		elapse(5 * time.Minute)
		want(t, "while it runs", b.state(t, "deploy").Refs["refs/heads/side"].unfinished(), true)
		elapse(10 * time.Minute)
		want(t, "heard", heard, []string{"check pending after ", "check success after noted"})
		want(t, "refs in the end", len(b.state(t, "deploy").Refs), 1)
	})
}

// TestBranchThatIsDeletedWhileItRuns is forgotten when its run has ended, and not before.
func TestBranchThatIsDeletedWhileItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, g := newRemote("a 1", "b 1"), &gauge{}
		r.work = g.during(3 * time.Minute)
		task := script(r, "deploy", func(git.Revision) string { return "exit 0" }, "*")
		task.Rules.Parallel, task.RunNew = 2, true
		b := newBench(t, task)
		b.start(t)
		r.remove("a")
		elapse(2 * time.Minute)
		want(t, "forgotten while it runs", b.told(Forgotten), []string{})
		elapse(2 * time.Minute)
		want(t, "finished", sorted(b.told(Finished)), []string{"finished a 1 success", "finished b 1 success"})
		want(t, "forgotten", b.told(Forgotten), []string{"forgotten a 1"})
		want(t, "trouble", b.told(Troubled), []string{})
	})
}

// TestHeadThatWaitsCancelsNothing until it may run: for approval, a window or the end of a pause.
func TestHeadThatWaitsCancelsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, g := newRemote("main 1"), &gauge{}
		r.work = g.during(24 * time.Hour)
		task := r.task("deploy", "main")
		task.Rules = Rules{CancelOnPush: true, Approve: true, Windows: windows(t, "00:00-06:00 UTC", "12:00-20:00 UTC")}
		task.Timeout = 48 * time.Hour
		b := newBench(t, task)
		b.start(t)
		b.ordered(t, Order{What: Approve})
		r.push("main", "2")
		elapse(2 * time.Hour)
		want(t, "unapproved", b.told(Finished), []string{})
		b.ordered(t, Order{What: Pause})
		b.ordered(t, Order{What: Approve})
		elapse(5 * time.Hour)
		want(t, "paused", b.told(Finished), []string{})
		b.ordered(t, Order{What: Resume})
		elapse(4 * time.Hour)
		want(t, "outside of the windows", b.told(Finished), []string{})
		elapse(2 * time.Hour)
		want(t, "finished", b.told(Finished), []string{"finished main 1 failure"})
		want(t, "runs", b.state(t, "deploy").Refs["refs/heads/main"].Run.Revision.SHA, sha("2"))
		b.ordered(t, Order{What: Pin, SHA: sha("3")})
		want(t, "outside of the windows", b.state(t, "deploy").Refs["refs/heads/main"].Run.Revision.SHA, sha("3"))
	})
}
