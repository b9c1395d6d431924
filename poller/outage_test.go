package poller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// sparse is a task that polls once an hour.
func sparse(r *remote, name string) Task {
	task := r.task(name, "main")
	task.Interval = time.Hour
	return task
}

// refusing makes fetches fail until a moment.
func refusing(r *remote, until time.Duration, err error) {
	end := time.Now().Add(until)
	r.work = func(context.Context, git.Revision) error {
		if time.Now().Before(end) {
			return err
		}
		return nil
	}
}

func TestARevisionThatHasNotArrivedIsFetchedAgain(t *testing.T) {
	for name, err := range map[string]error{
		"not there yet": fmt.Errorf("fetch: %w", git.ErrMoved),
		"out of order":  fmt.Errorf("fetch: %w", git.ErrUnavailable),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRemote("main a")
				w := &world{}
				task := sparse(r, "deploy")
				task.ReportTo = "kitops/deploy"
				b := newBench(t, task).hearing(w)
				refusing(r, 6*time.Second, err)
				began := time.Now()
				b.start(t)
				elapse(10 * time.Second)
				want(t, "finished", b.told(Finished), []string{"finished main a success"})
				run := b.state(t, "deploy").Refs["refs/heads/main"].Run
				want(t, "attempt", run.Attempt, 1)
				want(t, "after", run.Finished.Sub(began).Round(time.Second), 7*time.Second)
				want(t, "heard", w.heard, []string{"kitops/deploy main a pending", "kitops/deploy main a success"})
			})
		})
	}
}

func TestOthersRunWhileARevisionIsOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late, other := newRemote("main a"), newRemote("main a")
		refusing(late, 20*time.Second, git.ErrMoved)
		b := newBench(t, sparse(late, "late"), sparse(other, "other"))
		b.Parallel = 1
		b.start(t)
		elapse(500 * time.Millisecond)
		_, runs := other.seen()
		want(t, "runs of another task", runs, []string{"main a"})
	})
}

func TestTheNewestHeadRunsAfterAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		refusing(r, 2*time.Second, git.ErrUnavailable)
		b := newBench(t, sparse(r, "deploy"))
		b.start(t)
		r.push("main", "b")
		elapse(10 * time.Second)
		_, runs := r.seen()
		want(t, "runs", runs[len(runs)-1], "main b")
		want(t, "applied", b.state(t, "deploy").Refs["refs/heads/main"].Applied, sha("b"))
	})
}

func TestOnceSaysThatARevisionNeverCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		refusing(r, time.Hour, git.ErrMoved)
		b := newBench(t, sparse(r, "deploy"))
		began := time.Now()
		err := b.Once(t.Context(), true)
		if err == nil || !strings.Contains(err.Error(), "does not hand it out") {
			t.Errorf("error: %v", err)
		}
		want(t, "after", time.Since(began).Round(time.Second), 7*time.Second)
	})
}

func TestAFailedPollIsRepeatedBySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := newBench(t, sparse(r, "deploy"))
		b.start(t)
		r.fail(errors.New("connection refused"))
		r.push("main", "b")
		began := time.Now()
		b.Nudge(Nudge{URL: url, Ref: "refs/heads/main", SHA: sha("b")})
		elapse(12 * time.Second)
		r.fail(nil)
		elapse(8 * time.Second)
		run := b.state(t, "deploy").Refs["refs/heads/main"]
		want(t, "applied", run.Applied, sha("b"))
		if took := run.Run.Finished.Sub(began); took > 16*time.Second {
			t.Errorf("a push during an outage of 12 s took %s", took)
		}
	})
}

func TestAPromiseIsKeptUntilAPollHasSucceeded(t *testing.T) {
	for name, early := range map[string]bool{"while it runs": false, "before it runs": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRemote("main a")
				b := newBench(t, sparse(r, "deploy"))
				nudge := Nudge{URL: url, Ref: "refs/heads/main", SHA: sha("b")}
				r.fail(errors.New("connection refused"))
				if early {
					b.Nudge(nudge)
				}
				b.start(t)
				if !early {
					b.Nudge(nudge)
				}
				elapse(40 * time.Second) // more failed polls than a promise is chased for
				r.fail(nil)              // the first poll that succeeds shows what was before
				var runs []string
				for len(runs) == 0 {
					elapse(time.Second)
					_, runs = r.seen()
				}
				want(t, "runs", runs, []string{"main a"})
				r.push("main", "b")
				elapse(8 * time.Second)
				_, runs = r.seen()
				want(t, "runs", runs, []string{"main a", "main b"})
			})
		})
	}
}

func TestPollsOfAHostAreBounded(t *testing.T) {
	for scheme, most := range map[string]int{"https": hostPolls, "ssh": sshPolls} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			now, peak := 0, 0
			var tasks []Task
			r := newRemote("main a")
			for i := range 60 {
				task := sparse(r, fmt.Sprint("task", i))
				task.URL = fmt.Sprintf("%s://git.example.com/acme/repo%d", scheme, i)
				task.Heads = func(context.Context, git.Patterns) ([]git.Revision, error) {
					mu.Lock()
					now++
					peak = max(peak, now)
					mu.Unlock()
					time.Sleep(time.Second)
					mu.Lock()
					now--
					mu.Unlock()
					return nil, git.ErrEmpty
				}
				tasks = append(tasks, task)
			}
			b := newBench(t, tasks...)
			b.start(t)
			elapse(20 * time.Second)
			want(t, "most polls at a time by "+scheme, peak, most)
			late := slices.ContainsFunc(b.Health(), func(h TaskHealth) bool { return h.Late || !h.Looked })
			want(t, "late ones", late, false)
		})
	}
}

func TestManyRememberedBranchesAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote()
		for i := range 1000 {
			r.push(fmt.Sprint("topic/", i), "a")
		}
		b := newBench(t, r.task("deploy", "**"))
		b.start(t)
		want(t, "told", b.told(Remembered), []string{"remembered"})
		b.mu.Lock()
		defer b.mu.Unlock()
		i := slices.IndexFunc(b.events, func(e Event) bool { return e.Kind == Remembered })
		want(t, "count", b.events[i].Count, 1000)
	})
}

func TestATaskWaitsForWhatItsFormerSelfLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := newBench(t, r.task("renamed", "main"))
		left := make(chan struct{})
		b.endings = []ending{{"git.example.com/acme/shop", left}, {"git.example.com/acme/other", make(chan struct{})}}
		b.start(t)
		elapse(time.Minute)
		_, runs := r.seen()
		want(t, "runs beside the old one", len(runs), 0)
		close(left)
		elapse(time.Second)
		_, runs = r.seen()
		want(t, "runs", runs, []string{"main a"})
	})
}

func TestARetryFurtherAwayThanItsPauseIsDue(t *testing.T) {
	now := time.Now()
	failed := RefState{Run: &Run{Started: now.Add(-time.Minute), Finished: now, Outcome: Failure}, Retry: now.Add(time.Minute)}
	want(t, "before the pause is over", failed.pausing(now.Add(30*time.Second)), true)
	want(t, "after it", failed.pausing(now.Add(61*time.Second)), false)
	want(t, "when the clock was put back", failed.pausing(now.Add(-40*time.Minute)), false)
}

func TestAnOutcomeThatIsLostIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := newBench(t, r.task("deploy", "main"))
		s := &brittle{Store: b.Store}
		b.Store = s
		r.work = func(context.Context, git.Revision) error { s.fill(true); return nil }
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.Run(ctx) }()
		elapse(time.Minute)
		cancel()
		err := <-done
		for _, word := range []string{"deploy", sha("a"), "success", errFull.Error()} {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%q is not said: %v", word, err)
			}
		}
	})
}
