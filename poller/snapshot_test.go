package poller

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// Observers find in the snapshot what they are told of, and need no store for it.
func TestSnapshotsAreOfTheLatestPollOrRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a"), &world{}
		r.work = func(context.Context, git.Revision) error { time.Sleep(time.Second); return nil }
		b := newBench(t, reported(r, "deploy", "main"), reported(r, "docs", "main")).hearing(w)
		w.fail(errors.New("down"))
		b.Parallel = 1
		var ended []string
		b.Observers = append(b.Observers, func(e Event) {
			if e.Kind == Finished {
				s, _ := b.Snapshot(e.Task)
				ended = append(ended, e.Task+" "+s.State.Refs["refs/heads/main"].Applied[:1]+" "+s.Heads["refs/heads/main"][:1])
			}
		})
		b.start(t)
		elapse(500 * time.Millisecond)
		first, there := b.Snapshot("deploy")
		if second, also := b.Snapshot("docs"); !there || !also || first.Waiting == second.Waiting {
			t.Errorf("%t and %t wait for the one slot", first.Waiting, second.Waiting)
		}
		want(t, "workload", b.Workload(), Workload{Running: 1, Slots: 1, Unreported: 1})
		elapse(5 * time.Minute)
		want(t, "workload", b.Workload(), Workload{Running: 0, Slots: 1, Unreported: 2})
		w.fail(nil)
		elapse(time.Minute)
		want(t, "workload", b.Workload(), Workload{Slots: 1})
		if len(ended) != 2 || ended[0][len(ended[0])-3:] != "a a" {
			t.Errorf("at the ends of the runs: %v", ended)
		}
		now, _ := b.Snapshot("deploy")
		if at := now.State.Refs["refs/heads/main"].AppliedAt; at.IsZero() {
			t.Error("nobody knows when it was applied")
		}
		if _, there := b.Snapshot("other"); there {
			t.Error("a task that is not there has a snapshot")
		}
	})
}
