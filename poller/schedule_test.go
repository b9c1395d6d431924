package poller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

func TestLooksEveryIntervalAndWritesNothingWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := newBench(t, r.task("deploy", "main"))
		s := &brittle{Store: b.Store}
		b.Store = s
		b.start(t)
		looks, runs := r.seen()
		want(t, "runs", runs, []string{"main a"})
		puts := s.puts
		elapse(10 * time.Minute)
		after, runs := r.seen()
		if n := after - looks; n < 10 || n > 12 {
			t.Errorf("%d looks in ten intervals", n)
		}
		want(t, "runs", runs, []string{"main a"})
		want(t, "idle writes", s.puts-puts, 0)
	})
}

func TestNudges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := r.task("deploy", "main")
		task.Interval = time.Hour
		b := newBench(t, task)
		b.start(t)
		before, _ := r.seen()

		r.push("main", "b")
		b.Nudge(Nudge{URL: "git@git.example.com:Acme/shop.git", Ref: "refs/heads/main", SHA: sha("b")})
		synctest.Wait()
		after, runs := r.seen()
		want(t, "looks by a nudge", after-before, 1)
		want(t, "runs", runs, []string{"main a", "main b"})

		for _, other := range []string{"https://git.example.com/acme/other", "https://example.com/acme/shop"} {
			b.Nudge(Nudge{URL: other, Ref: "refs/heads/main", SHA: sha("c")})
		}
		b.Nudge(Nudge{URL: url, Ref: "refs/heads/other", SHA: sha("c")})
		synctest.Wait()
		unmoved, _ := r.seen()
		want(t, "looks by nudges for others", unmoved-after, 0)

		release := make(chan struct{})
		r.work = func(context.Context, git.Revision) error { <-release; return nil }
		r.push("main", "c")
		b.Nudge(Nudge{URL: url})
		synctest.Wait()
		during, _ := r.seen()
		for range 100 {
			b.Nudge(Nudge{URL: url, Ref: "refs/heads/main", SHA: sha("c")})
		}
		synctest.Wait()
		still, _ := r.seen()
		want(t, "looks during a run", still-during, 0)
		close(release)
		synctest.Wait()
		final, runs := r.seen()
		want(t, "looks after the run", final-during, 1)
		want(t, "runs", runs, []string{"main a", "main b", "main c"})
	})
}

func TestNudgeIsChasedWhileTheRemoteLags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := r.task("deploy", "main")
		task.Interval = time.Hour
		b := newBench(t, task)
		b.start(t)
		looks, _ := r.seen()
		b.Nudge(Nudge{URL: url, Ref: "refs/heads/main", SHA: sha("b")})
		elapse(2 * time.Second)
		r.push("main", "b")
		elapse(10 * time.Second)
		after, runs := r.seen()
		want(t, "runs", runs, []string{"main a", "main b"})
		want(t, "looks at 0, 1 and 3 seconds", after-looks, 3)

		b.Nudge(Nudge{URL: url, Ref: "refs/heads/main", SHA: sha("f")})
		elapse(30 * time.Minute)
		final, _ := r.seen()
		want(t, "looks for what never comes", final-after, 4)
	})
}

func TestFailedRevisionRestsLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := r.task("deploy", "main")
		var tries []time.Time
		broken := true
		task.Plan = func(context.Context, string, git.Revision) (Plan, error) {
			tries = append(tries, time.Now())
			if broken {
				return Plan{}, errors.New("broken")
			}
			return Plan{}, nil
		}
		b := newBench(t, task)
		b.start(t)
		elapse(5 * time.Hour)
		var gaps []string
		for i := 1; i < len(tries); i++ {
			gaps = append(gaps, tries[i].Sub(tries[i-1]).Round(time.Second).String())
		}
		want(t, "pauses", gaps[:9], []string{"1m0s", "2m0s", "4m0s", "8m0s", "16m0s", "32m0s", "1h0m0s", "1h0m0s", "1h0m0s"})
		want(t, "attempt", b.state(t, "deploy").Refs["refs/heads/main"].Run.Attempt, len(tries))

		n := len(tries)
		broken = false
		r.push("main", "b")
		elapse(time.Minute)
		want(t, "tries at the new head within an interval", len(tries)-n, 1)
		ref := b.state(t, "deploy").Refs["refs/heads/main"]
		want(t, "attempt", ref.Run.Attempt, 1)
		want(t, "applied", ref.Applied, sha("b"))
		want(t, "retry", ref.Retry.IsZero(), true)
	})
}

func TestPauseSurvivesRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := r.task("deploy", "main")
		task.Plan = func(context.Context, string, git.Revision) (Plan, error) { return Plan{}, errors.New("broken") }
		b := newBench(t, task)
		stop := b.start(t)
		elapse(20 * time.Minute) // tries at 0, 1, 3, 7, 15
		_, runs := r.seen()
		want(t, "tries", len(runs), 5)
		stop()

		b = b.again(t, task)
		stop = b.start(t)
		elapse(5 * time.Minute)
		_, runs = r.seen()
		want(t, "tries before the pause is over", len(runs), 5)
		want(t, "told", b.told(Skipped), []string{"skipped main a"})
		elapse(10 * time.Minute)
		_, runs = r.seen()
		want(t, "tries after the pause", len(runs), 6)
		stop()
	})
}

func TestFailingRemoteBacksOffAndTouchesNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad, good := newRemote("main a"), newRemote("main a")
		bad.fail(errors.New("connection refused"))
		hung := newRemote("main a")
		hung.hang = true
		b := newBench(t, bad.task("bad", "main"), good.task("good", "main"), hung.task("hung", "main"))
		b.start(t)
		elapse(time.Hour)
		if n, _ := bad.seen(); n < 62 || n > 75 { // after 1, 2, 4 … seconds, then every minute
			t.Errorf("%d looks at a failing remote in an hour", n)
		}
		if n, _ := good.seen(); n < 60 || n > 70 {
			t.Errorf("%d looks at a good remote in an hour", n)
		}
		if n, _ := hung.seen(); n < 28 || n > 38 { // a minute each, and a pause
			t.Errorf("%d looks at a hung remote in an hour", n)
		}
		bad.fail(nil)
		b.Nudge(Nudge{URL: url})
		synctest.Wait()
		_, runs := bad.seen()
		want(t, "runs once it works again", runs, []string{"main a"})
		told := b.told(Looked)
		if !strings.Contains(strings.Join(told, "\n"), "no answer from "+url+" within 1m0s") {
			t.Errorf("nobody said that the remote hangs: %q", told)
		}
	})
}

func TestLatestWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		release := make(chan struct{})
		r.work = func(context.Context, git.Revision) error { <-release; return nil }
		b := newBench(t, r.task("deploy", "main"))
		b.start(t)
		for _, c := range []string{"b", "c", "d"} {
			r.push("main", c)
			b.Nudge(Nudge{URL: url, Ref: "refs/heads/main", SHA: sha(c)})
		}
		close(release)
		synctest.Wait()
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main a", "main d"})
	})
}

// Trap 1: what was seen before the wait for a slot may be old news after it.
func TestHeadsAreReadAgainAfterWaitingForASlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, quick := newRemote("main a"), newRemote("main a")
		release := make(chan struct{})
		slow.work = func(context.Context, git.Revision) error { <-release; return nil }
		first, second := slow.task("first", "main"), quick.task("second", "main")
		b := newBench(t, first, second)
		b.Parallel = 1
		b.start(t)
		elapse(time.Second)
		_, runs := quick.seen()
		want(t, "runs while the slot is taken", len(runs), 0)
		quick.push("main", "b")
		close(release)
		synctest.Wait()
		_, runs = quick.seen()
		want(t, "runs", runs, []string{"main b"})
		elapse(time.Hour)
		_, runs = quick.seen()
		want(t, "runs", runs, []string{"main b"})
	})
}

func TestParallelIsALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		running, most := make(chan int, 1), 0
		running <- 0
		r.work = func(context.Context, git.Revision) error {
			n := <-running + 1
			most = max(most, n)
			running <- n
			time.Sleep(time.Second)
			running <- <-running - 1
			return nil
		}
		var tasks []Task
		for i := range 10 {
			tasks = append(tasks, r.task(fmt.Sprint("task", i), "main"))
		}
		b := newBench(t, tasks...)
		b.Parallel = 3
		b.start(t)
		elapse(30 * time.Second)
		_, runs := r.seen()
		want(t, "runs", len(runs), 10)
		want(t, "most at a time", most, 3)
	})
}

func TestMovedRevisionIsFollowedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.work = func(_ context.Context, rev git.Revision) error {
			if rev.SHA == sha("a") {
				r.push("main", "b")
				return fmt.Errorf("fetch: %w", git.ErrMoved)
			}
			return nil
		}
		b := newBench(t, r.task("deploy", "main"))
		b.start(t)
		want(t, "finished", b.told(Finished), []string{"finished main a error", "finished main b success"})
	})
}

func TestClockPutBack(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	want(t, "next minute", ahead(now.Add(time.Minute), now, time.Hour), true)
	want(t, "past", ahead(now.Add(-time.Minute), now, time.Hour), false)
	want(t, "a year ahead", ahead(now.AddDate(1, 0, 0), now, time.Hour), false)
}

func TestJitterStaysWithinATenth(t *testing.T) {
	for range 1000 {
		if d := jittered(time.Minute); d < 54*time.Second || d > time.Minute {
			t.Fatalf("jittered(1m) = %s", d)
		}
	}
	want(t, "tiny", jittered(1), time.Duration(1))
}
