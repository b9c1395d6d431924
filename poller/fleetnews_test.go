package poller

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// TestAFleetTellsOfFurtherFailures: that a revision fails on one more instance is news, though the state is the same.
func TestAFleetTellsOfFurtherFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		var mu sync.Mutex
		last := ""
		fails := func(context.Context, git.Revision) error { return errors.New("no room") }
		remotes := map[string]*remote{}
		for _, name := range []string{"a", "c", "d"} {
			r := newRemote("main a")
			task := r.task("fleet", "main")
			task.Each, task.FinishUnleased, task.Fleet, task.ReportTo = true, true, true, "kitops/fleet"
			m := joining(t, b, name, task)
			m.Report = func(_ context.Context, report Report) error {
				mu.Lock()
				defer mu.Unlock()
				last = string(report.Run.Outcome) + " " + report.Run.Reason
				return nil
			}
			remotes[name] = r
			m.start(t)
		}
		elapse(3 * time.Minute)
		told := func(what string) {
			t.Helper()
			mu.Lock()
			defer mu.Unlock()
			want(t, "told", last, what)
		}
		works(remotes["a"], 20*time.Minute)
		works(remotes["c"], 20*time.Minute)
		remotes["d"].work = fails
		for _, r := range remotes {
			r.push("main", "b")
		}
		elapse(10 * time.Minute)
		told("failure failed on d; 0 of 3 instances have it")
		elapse(15 * time.Minute)
		told("failure failed on d; 2 of 3 instances have it")
		remotes["c"].work = fails
		for _, r := range remotes {
			r.push("main", "e")
		}
		elapse(40 * time.Minute)
		told("failure failed on c, d; 1 of 3 instances have it")
	})
}
