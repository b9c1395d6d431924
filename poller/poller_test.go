package poller

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/git/gittest"
)

// TestMain also starts what the standard library watches signals with: it lives as
// long as the process, so no bubble of a test may be the first to need it.
func TestMain(m *testing.M) {
	gittest.InMemory()
	watched := make(chan os.Signal, 1)
	signal.Notify(watched, os.Interrupt)
	signal.Stop(watched)
	goleak.VerifyTestMain(m)
}

func TestOnceHonoursDueTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := r.task("deploy", "main")
		b := newBench(t, task)
		want(t, "first", b.Once(t.Context(), false), error(nil))
		r.push("main", "b")

		b = b.again(t, task)
		want(t, "at once again", b.Once(t.Context(), false), error(nil))
		want(t, "told", b.told(Skipped), []string{"skipped"})
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main a"})

		b = b.again(t, task)
		want(t, "all", b.Once(t.Context(), true), error(nil))
		_, runs = r.seen()
		want(t, "runs", runs, []string{"main a", "main b"})

		elapse(time.Minute)
		looks, _ := r.seen()
		b = b.again(t, task)
		want(t, "an interval later", b.Once(t.Context(), false), error(nil))
		after, _ := r.seen()
		want(t, "looks", after-looks, 1)
	})
}

func TestOnceReportsFailuresAndPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, bad, down := newRemote("main a"), newRemote("main a"), newRemote("main a")
		down.fail(errors.New("connection refused"))
		broken := bad.task("broken", "main")
		broken.Plan = func(context.Context, string, git.Revision) (Plan, error) { return Plan{}, errors.New("no plan") }
		tasks := []Task{good.task("good", "main"), broken, down.task("down", "main")}
		b := newBench(t, tasks...)
		err := b.Once(t.Context(), false)
		for _, part := range []string{"broken: main at " + sha("a") + ": no plan", "down: connection refused"} {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("error does not say %q: %v", part, err)
			}
		}
		want(t, "not told by events", Untold(err), error(nil))
		b = b.again(t, tasks[:2]...)
		want(t, "pausing is no error", b.Once(t.Context(), true), error(nil))
		want(t, "told: one pauses, the other has nothing new", b.told(Skipped), []string{"skipped main a", "skipped main a"})
		_, runs := bad.seen()
		want(t, "tries", len(runs), 1)
	})
}

func TestOnceInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.work = func(ctx context.Context, _ git.Revision) error { <-ctx.Done(); return ctx.Err() }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		b := newBench(t, r.task("deploy", "main"))
		err := b.Once(ctx, true)
		if err == nil || !strings.Contains(err.Error(), "interrupted") {
			t.Errorf("error: %v", err)
		}
		ref := b.state(t, "deploy").Refs["refs/heads/main"]
		want(t, "outcome", ref.Run.Outcome, Error)
		want(t, "retry set", ref.Retry.IsZero(), false)
		want(t, "applied", ref.Applied, "")
	})
}

func TestTimeoutWhileFetching(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.work = func(ctx context.Context, _ git.Revision) error { <-ctx.Done(); return ctx.Err() }
		b := newBench(t, r.task("deploy", "main"))
		err := b.Once(t.Context(), true)
		want(t, "error", err, "deploy: main at "+sha("a")+": out of time after 1h0m0s")
		want(t, "finished", b.told(Finished), []string{"finished main a error"})
	})
}

func TestCrashCountsAsAFailedTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := newBench(t, r.task("deploy", "main"))
		w := b.newWatch(r.task("deploy", "main"))
		run, err := w.saveStart(t.Context(), git.Revision{Ref: "refs/heads/main", SHA: sha("a")})
		if err != nil {
			t.Fatal(err)
		}
		left := b.workdir(w.task, run)
		if err := os.MkdirAll(left, 0o700); err != nil {
			t.Fatal(err)
		}
		b.start(t)
		want(t, "told", b.told(Interrupted), []string{"interrupted main a"})
		want(t, "workdir of the killed run", exists(left), false)
		_, runs := r.seen()
		want(t, "tries at once", len(runs), 0)
		elapse(2 * time.Minute)
		_, runs = r.seen()
		want(t, "tries after the pause", len(runs), 1)
		want(t, "attempt", b.state(t, "deploy").Refs["refs/heads/main"].Run.Attempt, 2)
	})
}

func TestCrashedRunOfATaskThatIsGoneIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := newBench(t, r.task("deploy", "main"))
		w := b.newWatch(r.task("gone", "main"))
		if _, err := w.saveStart(t.Context(), git.Revision{Ref: "refs/heads/main", SHA: sha("a")}); err != nil {
			t.Fatal(err)
		}
		b.start(t)
		want(t, "told", b.told(Interrupted), []string{"interrupted main a"})
		want(t, "outcome", b.state(t, "gone").Refs["refs/heads/main"].Run.Outcome, Error)
	})
}

func TestFullDiskStopsRunsAndRepeatsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := newBench(t, r.task("deploy", "main"))
		s := &brittle{Store: b.Store, full: true}
		b.Store = s
		b.start(t)
		elapse(10 * time.Minute)
		_, runs := r.seen()
		want(t, "runs without a saved start", len(runs), 0)
		if told := b.told(Troubled); len(told) == 0 || !strings.Contains(told[0], errFull.Error()) {
			t.Errorf("told: %q", told)
		}
		r.work = func(context.Context, git.Revision) error { s.fill(true); return nil }
		s.fill(false)
		elapse(10 * time.Minute)
		s.fill(false)
		elapse(10 * time.Minute)
		_, runs = r.seen()
		want(t, "runs", len(runs), 1)
		want(t, "applied", b.state(t, "deploy").Refs["refs/heads/main"].Applied, sha("a"))
	})
}

func TestSetWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, other, added := newRemote("main a"), newRemote("main a"), newRemote("main a")
		release := make(chan struct{})
		r.work = func(context.Context, git.Revision) error { <-release; return nil }
		task, untouched := r.task("deploy", "main"), other.task("same", "main")
		b := newBench(t, task, untouched)
		b.start(t)
		looks, _ := other.seen()

		changed := task
		changed.Digest, changed.Refs = "another", git.Patterns{"refs/heads/side"}
		r.push("side", "s")
		b.Set([]Task{changed, untouched, added.task("added", "main")})
		synctest.Wait()
		_, runs := added.seen()
		want(t, "runs of the added task", runs, []string{"main a"})
		elapse(time.Second)
		_, runs = r.seen()
		want(t, "a running action is not disturbed", runs, []string{"main a"})
		close(release)
		synctest.Wait()
		_, runs = r.seen()
		want(t, "runs after the change", runs, []string{"main a", "side s"})
		after, _ := other.seen()
		want(t, "looks of the unchanged task", after-looks, 0)

		b.Set([]Task{untouched})
		synctest.Wait()
		r.push("side", "t")
		elapse(time.Hour)
		_, runs = r.seen()
		want(t, "runs of the removed task", runs, []string{"main a", "side s"})

		b.Set([]Task{untouched, changed})
		synctest.Wait()
		_, runs = r.seen()
		want(t, "runs of the task that came back", runs, []string{"main a", "side s", "side t"})
	})
}

func TestLeftoversAreSwept(t *testing.T) {
	r := newRemote("main a")
	b := newBench(t, r.task("deploy", "main"))
	old := filepath.Join(b.RepoDir, WorkDir, "old", "deploy", "sub")
	if err := os.MkdirAll(old, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), filepath.Join(old, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(old, 0o500); err != nil {
		t.Fatal(err)
	}
	if err := b.Once(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	want(t, "left", entries(t, filepath.Join(b.RepoDir, WorkDir)), []string{})
}
