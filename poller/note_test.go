package poller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store"
)

// noting is a reporter that counts in its note what it has heard, and fails every other time.
func noting(heard *[]string) Reporter {
	calls := 0
	return func(_ context.Context, r Report) error {
		calls++
		*heard = append(*heard, fmt.Sprintf("%s %s as:%s note:%s", r.Run.Revision.SHA[:1], r.Run.Outcome, r.As, *r.Note))
		*r.Note = fmt.Sprint(calls)
		if calls%2 == 1 {
			return errors.New("half done")
		}
		return nil
	}
}

// TestAReporterFindsWhatItHasNoted: with the next report on that ref, after half a delivery and after a restart.
func TestAReporterFindsWhatItHasNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := newRemote("main a"), store.NewMemory()
		works(r, 10*time.Second)
		task := reported(r, "deploy", "main")
		task.ReportAs = "check"
		var heard []string
		a := newBench(t, task)
		a.Store, a.Report = s, noting(&heard)
		stop := a.start(t)
		elapse(time.Minute)
		stop()
		task.ReportAs = "" // a revision keeps the form that it began with
		b := newBench(t, task)
		b.Store, b.Report = s, noting(&heard)
		b.start(t)
		elapse(time.Minute)
		r.push("main", "b")
		elapse(2 * time.Minute)
		want(t, "heard", heard, []string{
			"a pending as:check note:", "a pending as:check note:1", "a success as:check note:2", "a success as:check note:3",
			"b pending as: note:4", "b pending as: note:1", "b success as: note:2", "b success as: note:3",
		})
		want(t, "kept", b.state(t, "deploy").Refs["refs/heads/main"].Notes, map[string]string{"kitops/deploy": "4"})
	})
}

// TestARunThatWasCutOffIsShownAnew, in a form that shows retries: from its start on, and to its end, however like the first it is.
func TestARunThatWasCutOffIsShownAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := newRemote("main a"), store.NewMemory()
		r.work = func(ctx context.Context, _ git.Revision) error {
			select {
			case <-ctx.Done():
			case <-time.After(time.Minute):
			}
			return errors.New("no network")
		}
		task := reported(r, "deploy", "main")
		task.ReportAs = "check"
		w := &world{}
		a := newBench(t, task).hearing(w)
		a.Store = s
		stop := a.start(t)
		elapse(10 * time.Second)
		stop()
		b := newBench(t, task).hearing(w)
		b.Store = s
		b.start(t)
		elapse(20 * time.Minute)
		want(t, "heard", w.heard, []string{
			"kitops/deploy main a pending", "kitops/deploy main a error", // interrupted
			"kitops/deploy main a pending", "kitops/deploy main a error",
		})
	})
}

// TestARefThatIsGoneKeepsItsNotes until those who noted them have heard how its run has ended.
func TestARefThatIsGoneKeepsItsNotes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a", "side b")
		r.work = func(context.Context, git.Revision) error { time.Sleep(10 * time.Second); return nil }
		task := reported(r, "deploy", "*")
		task.RunNew, task.ReportAs = true, "check"
		var mu sync.Mutex
		var heard []string
		down := true
		b := newBench(t, task)
		b.Report = func(_ context.Context, r Report) error {
			mu.Lock()
			defer mu.Unlock()
			switch {
			case r.Run.Revision.Name() != "side":
				return nil
			case down && r.Run.Outcome != Pending:
				return errors.New("no answer")
			}
			heard = append(heard, fmt.Sprint(r.As, " ", r.Run.Outcome, " after ", *r.Note))
			*r.Note = "noted"
			return nil
		}
		b.start(t)
		elapse(2 * time.Minute)
		r.remove("side")
		elapse(10 * time.Minute)
		mu.Lock()
		down = false
		mu.Unlock()
		elapse(10 * time.Minute)
		want(t, "heard", heard, []string{"check pending after ", "check success after noted"})
		want(t, "refs in the end", len(b.state(t, "deploy").Refs), 1)
	})
}
