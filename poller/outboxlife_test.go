package poller

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// TestReportsOutliveTheirRun: one that a run has announced while nobody took reports arrives
// once somebody does, without a restart, and so do those after it.
func TestReportsOutliveTheirRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a"), &world{err: errors.New("502")}
		task := reported(r, "deploy", "main")
		task.Brings = true
		task.Plan = func(context.Context, string, git.Revision) (Plan, error) {
			return Plan{Actions: []actions.Action{{Name: "build", Entrypoint: "/nonexistent"}}}, nil
		}
		b := newBench(t, task).hearing(w)
		b.start(t)
		elapse(30 * time.Second)
		w.fail(nil)
		elapse(30 * time.Second)
		if len(w.heard) == 0 {
			t.Fatalf("nobody has heard of the run: %d reports wait", len(b.state(t, "deploy").Unreported))
		}
		r.push("main", "b")
		elapse(2 * time.Minute)
		want(t, "left", len(b.state(t, "deploy").Unreported), 0)
	})
}

// TestReportsOutliveTheirLease: the same of what a successor of a killed instance has found at its start.
func TestReportsOutliveTheirLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, r, w := &objects.Bucket{}, newRemote("main a"), &world{err: errors.New("502")}
		works(r, 10*time.Minute)
		task := reported(r, "deploy", "main")
		first := joining(t, b, "one", task)
		first.start(t)
		elapse(time.Minute)
		first.loses = true
		first.crash()
		next := joining(t, b, "one", task)
		next.instance.Predecessors = []string{first.instance.Owner.ID}
		next.Report = w.report
		next.start(t)
		elapse(time.Minute)
		w.fail(nil)
		elapse(2 * time.Minute)
		if len(w.heard) == 0 {
			t.Error("nobody has heard of the run that was cut off")
		}
	})
}
