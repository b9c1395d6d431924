package poller

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/git"
)

// world is who hears of runs.
type world struct {
	mu    sync.Mutex
	err   error
	heard []string
	calls int
	hang  bool
}

func (w *world) report(ctx context.Context, r Report) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	if w.hang {
		w.mu.Unlock()
		<-ctx.Done()
		w.mu.Lock()
		return ctx.Err()
	}
	if w.err != nil {
		return w.err
	}
	w.heard = append(w.heard, strings.Join([]string{r.To, r.Run.Revision.Name(), r.Run.Revision.SHA[:1], string(r.Run.Outcome)}, " "))
	return nil
}

func (w *world) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
}

func reported(r *remote, name string, refs ...string) Task {
	task := r.task(name, refs...)
	task.ReportTo = "kitops/" + name
	return task
}

func (b *bench) hearing(w *world) *bench {
	b.Report = w.report
	return b
}

func TestReportsArriveInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a"), &world{}
		r.work = func(context.Context, git.Revision) error { time.Sleep(time.Second); return nil }
		b := newBench(t, reported(r, "deploy", "main")).hearing(w)
		b.start(t)
		elapse(10 * time.Second)
		r.push("main", "b")
		elapse(2 * time.Minute)
		want(t, "heard", w.heard, []string{
			"kitops/deploy main a pending", "kitops/deploy main a success",
			"kitops/deploy main b pending", "kitops/deploy main b success",
		})
		want(t, "left", len(b.state(t, "deploy").Unreported), 0)
	})
}

func TestRepeatedTryReportsOnlyNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a"), &world{}
		task := reported(r, "deploy", "main")
		var mu sync.Mutex
		broken := true
		task.Plan = func(context.Context, string, git.Revision) (Plan, error) {
			mu.Lock()
			defer mu.Unlock()
			if broken {
				return Plan{}, errors.New("broken")
			}
			return Plan{}, nil
		}
		r.work = func(context.Context, git.Revision) error { time.Sleep(time.Second); return nil }
		b := newBench(t, task).hearing(w)
		b.start(t)
		elapse(10 * time.Minute)
		mu.Lock()
		broken = false
		mu.Unlock()
		elapse(10 * time.Minute)
		want(t, "heard", w.heard, []string{"kitops/deploy main a pending", "kitops/deploy main a error", "kitops/deploy main a success"})
	})
}

func TestOutageDelaysNoRunAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a"), &world{err: errors.New("502")}
		b := newBench(t, reported(r, "deploy", "main")).hearing(w)
		stop := b.start(t)
		elapse(time.Minute)
		r.push("main", "b")
		elapse(10 * time.Minute)
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main a", "main b"})
		if w.calls < 20 {
			t.Errorf("%d tries in eleven minutes", w.calls)
		}
		stop()
		w.fail(nil)
		b = b.again(t, reported(r, "deploy", "main")).hearing(w)
		stop = b.start(t)
		want(t, "heard after a restart", w.heard, []string{"kitops/deploy main a success", "kitops/deploy main b success"})
		stop()
	})
}

func TestHangingReporterDelaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a"), &world{hang: true}
		b := newBench(t, reported(r, "deploy", "main")).hearing(w)
		before := time.Now()
		want(t, "error", b.Once(t.Context(), true), error(nil))
		want(t, "wait", time.Since(before), reportOnce)
		want(t, "left", len(b.state(t, "deploy").Unreported), 1)
	})
}

func TestCrashedRunIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a"), &world{}
		b := newBench(t, r.task("other", "main")).hearing(w)
		for _, name := range []string{"deploy", "gone"} {
			cut := b.newWatch(reported(r, name, "main"))
			if _, err := cut.saveStart(t.Context(), git.Revision{Ref: "refs/heads/main", SHA: sha("a")}); err != nil {
				t.Fatal(err)
			}
			cut.outbox.idle.Wait()
		}
		w.heard = nil
		b = b.again(t, reported(r, "deploy", "main")).hearing(w)
		b.start(t)
		want(t, "heard", sorted(w.heard), []string{"kitops/deploy main a error", "kitops/gone main a error"})
	})
}

func TestShutdownIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a"), &world{}
		r.work = func(ctx context.Context, _ git.Revision) error { <-ctx.Done(); return ctx.Err() }
		b := newBench(t, reported(r, "deploy", "main")).hearing(w)
		b.start(t)()
		want(t, "heard", w.heard, []string{"kitops/deploy main a pending", "kitops/deploy main a error"})
	})
}

func TestIdentityKeepsARunFromStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := r.task("deploy", "main")
		var mu sync.Mutex
		var asked []string
		var another atomic.Bool
		task.Identity = func(_ context.Context, known string) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, known)
			if another.Load() {
				return "", errors.New("another repository has this name now")
			}
			return "4711", nil
		}
		b := newBench(t, task)
		b.start(t)
		elapse(5 * time.Minute)
		want(t, "asked", asked, []string{""})
		another.Store(true)
		r.push("main", "b")
		elapse(70 * time.Second)
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main a"})
		mu.Lock()
		want(t, "asked again and again", len(asked) > 3, true)
		mu.Unlock()
		another.Store(false)
		elapse(time.Minute)
		_, runs = r.seen()
		want(t, "runs", runs, []string{"main a", "main b"})
		mu.Lock()
		defer mu.Unlock()
		want(t, "asked with what is known", asked[len(asked)-1], "4711")
	})
}

func TestLimitPutsLooksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := newBench(t, r.task("deploy", "main"))
		b.start(t)
		r.fail(&LaterError{At: time.Now().Add(30 * time.Minute), Err: errors.New("rate limit")})
		elapse(2 * time.Minute)
		looks, _ := r.seen()
		elapse(25 * time.Minute)
		after, _ := r.seen()
		want(t, "looks during the pause", after-looks, 0)
		r.fail(nil)
		r.push("main", "b")
		elapse(10 * time.Minute)
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main a", "main b"})
	})
}

func TestPaceStretchesTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := r.task("deploy", "main")
		task.Pace = func() time.Duration { return 10 * time.Minute }
		b := newBench(t, task)
		b.start(t)
		elapse(100 * time.Minute)
		looks, _ := r.seen()
		if looks < 10 || looks > 13 {
			t.Errorf("%d looks in 100 minutes", looks)
		}
	})
}

func TestRunsWithNothingToDoAreReportedUnlessSilent(t *testing.T) {
	for silent, heard := range map[bool][]string{
		true:  {"kitops/deploy side b pending", "kitops/deploy side b error"},
		false: {"kitops/deploy main a success", "kitops/deploy side b pending", "kitops/deploy side b error"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r, w := newRemote("main a", "side b"), &world{}
			task := reported(r, "deploy", "main", "side")
			task.Brings, task.Silent = true, silent
			task.Plan = func(_ context.Context, _ string, rev git.Revision) (Plan, error) {
				if rev.Name() == "main" {
					return Plan{}, nil
				}
				return Plan{Actions: []actions.Action{{Name: "missing", Entrypoint: "/does/not/exist"}}}, nil
			}
			task.Grant = func(context.Context, actions.Action) (Granted, error) {
				synctest.Wait() // or a report of the start is not sent any more, since the end is known
				return Granted{}, nil
			}
			b := newBench(t, task).hearing(w)
			b.start(t)
			want(t, "heard", w.heard, heard)
			ref := b.state(t, "deploy").Refs["refs/heads/main"]
			want(t, "applied", ref.Applied, sha("a"))
			want(t, "reason", ref.Run.Reason, NothingToRun)
		})
	}
}
