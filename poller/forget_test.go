package poller

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store"
)

// found is a task on a repository that somebody listed.
func found(r *remote, name, id string) Task {
	task := reported(r, name, "main")
	task.Found, task.ID, task.URL = true, id, "https://git.example.com/"+name
	task.Identity = func(context.Context, string) (string, error) { return id, nil }
	task.Digest = name + " " + id
	return task
}

func (b *bench) memories(t *testing.T) []string {
	t.Helper()
	names, err := b.Store.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestFoundTaskIsRememberedAndForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a"), &world{}
		b := newBench(t, found(r, "ci@acme/shop", "1")).hearing(w)
		b.start(t)
		_, runs := r.seen()
		want(t, "runs of what was there before", runs, []string{})
		want(t, "identity", b.state(t, "ci@acme/shop").Identity, "1")
		all, err := b.Memories(t.Context(), "ci@")
		want(t, "memories", all["ci@acme/shop"].Identity, "1")
		want(t, "error", err, nil)
		r.push("main", "b")
		elapse(2 * time.Minute)
		_, runs = r.seen()
		want(t, "runs", runs, []string{"main b"})
		b.Set(nil)
		elapse(time.Second)
		all, err = b.Memories(t.Context(), "ci@")
		want(t, "error", err, nil)
		want(t, "it is known to be gone", all["ci@acme/shop"].Gone.IsZero(), false)
		elapse(29 * 24 * time.Hour)
		want(t, "error", b.Part(t.Context(), "ci@acme/shop"), nil)
		r.push("main", "c")
		b.Set([]Task{found(r, "ci@acme/shop", "1")})
		elapse(2 * time.Minute)
		_, runs = r.seen()
		want(t, "runs after the return, of what was pushed meanwhile", runs, []string{"main b", "main c"})
		want(t, "it is back", b.state(t, "ci@acme/shop").Gone.IsZero(), true)

		b.Set(nil)
		elapse(31 * 24 * time.Hour)
		want(t, "error", b.Part(t.Context(), "ci@acme/shop"), nil)
		want(t, "memories after a month", b.memories(t), []string{})
	})
}

func TestMemoriesOfDeletedRepositoriesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		old, other := found(r, "ci@acme/old", "1"), found(r, "ci@acme/shop", "2")
		b := newBench(t, old, other)
		b.start(t)
		want(t, "error", b.Forget(t.Context(), "ci@acme/old"), nil)
		want(t, "memories while the task is wanted", b.memories(t), []string{"ci@acme/old", "ci@acme/shop"})
		b.Set([]Task{other})
		want(t, "error", b.Forget(t.Context(), "ci@acme/old"), nil)
		elapse(time.Second)
		want(t, "memories after the end of the task", b.memories(t), []string{"ci@acme/shop"})
		b.Set(nil)
		elapse(time.Second)
		want(t, "error", b.Forget(t.Context(), "ci@acme/shop"), nil)
		want(t, "memories of tasks that had ended", b.memories(t), []string{})
	})
}

func TestGoneTaskFinishesAndReportsBeforeItIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a"), &world{}
		b := newBench(t, found(r, "ci@acme/shop", "1")).hearing(w)
		b.start(t)
		release := make(chan struct{})
		r.work = func(context.Context, git.Revision) error { <-release; return nil }
		r.push("main", "b")
		elapse(2 * time.Minute)
		w.fail(errors.New("no answer"))
		b.Set(nil)
		elapse(time.Minute)
		close(release)
		elapse(time.Minute)
		want(t, "outcome", b.told(Finished), []string{"finished main b success"})
		want(t, "memory while the world has not heard", len(b.memories(t)), 1)
		w.fail(nil)
		elapse(time.Minute)
		want(t, "heard", w.heard, []string{"kitops/ci@acme/shop main b pending", "kitops/ci@acme/shop main b success"})
		want(t, "it is known to be gone", b.state(t, "ci@acme/shop").Gone.IsZero(), false)
	})
}

// TestReturnWhileReporting has a task of the same name come back before the
// one that went has said its last word: its memory is not for that to drop.
func TestReturnWhileReporting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a"), &world{}
		b := newBench(t, found(r, "ci@acme/shop", "1")).hearing(w)
		b.start(t)
		w.fail(errors.New("no answer"))
		r.push("main", "b")
		elapse(2 * time.Minute)
		b.Set(nil)
		elapse(time.Second)
		b.Set([]Task{found(r, "ci@acme/shop", "1")})
		elapse(time.Second)
		w.fail(nil)
		elapse(2 * time.Minute)
		r.push("main", "c")
		elapse(2 * time.Minute)
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main b", "main c"})
		want(t, "memories", b.memories(t), []string{"ci@acme/shop"})
	})
}

func TestForgetLeavesWhatIsInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a"), &world{err: errors.New("no answer")}
		b := newBench(t, found(r, "ci@acme/shop", "1")).hearing(w)
		stop := b.start(t)
		want(t, "error", b.Forget(t.Context(), "ci@acme/shop", "ci@acme/never"), nil)
		want(t, "memories", b.memories(t), []string{"ci@acme/shop"})
		r.push("main", "b")
		elapse(2 * time.Minute)
		stop()
		next := b.again(t)
		want(t, "error", next.Forget(t.Context(), "ci@acme/shop"), nil)
		want(t, "memories with something to say", b.memories(t), []string{"ci@acme/shop"})
		w.fail(nil)
		next.hearing(w).start(t)
		elapse(time.Minute)
		want(t, "error", next.Forget(t.Context(), "ci@acme/shop"), nil)
		want(t, "memories", b.memories(t), []string{})
	})
}

// TestNothingToDoAfterAnError takes back what was said of a revision.
func TestNothingToDoAfterAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a"), &world{}
		task := reported(r, "ci", "main")
		task.Brings, task.Silent = true, true
		var mended atomic.Bool
		task.Plan = func(context.Context, string, git.Revision) (Plan, error) {
			if !mended.Load() {
				return Plan{}, errors.New("broken")
			}
			return Plan{}, nil
		}
		b := newBench(t, task).hearing(w)
		b.start(t)
		mended.Store(true)
		elapse(5 * time.Minute)
		r.push("main", "b")
		elapse(5 * time.Minute)
		want(t, "heard", w.heard, []string{"kitops/ci main a error", "kitops/ci main a success"})
	})
}

// stalled is a store whose answers about one document wait.
type stalled struct {
	store.Store
	key  string
	wait chan struct{}
}

func (s stalled) Put(ctx context.Context, key string, data []byte, version string) (string, error) {
	if key == s.key {
		<-s.wait
	}
	return s.Store.Put(ctx, key, data, version)
}

// TestForgettingHoldsUpNobodyElse: a store that does not answer is waited for by a task of that name, and by nobody else.
func TestForgettingHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := newBench(t, r.task("deploy", "main"))
		m := newMemory(b.Store, "gone")
		if err := m.Save(t.Context(), func(State) State { return State{URL: "u"} }); err != nil {
			t.Fatal(err)
		}
		wait := make(chan struct{})
		b.Store = stalled{b.Store, "gone", wait}
		b.start(t)
		forgotten := make(chan error, 2)
		for range 2 {
			go func() { forgotten <- b.Forget(t.Context(), "gone") }()
		}
		synctest.Wait()
		if _, known := b.Snapshot("deploy"); !known {
			t.Error("another task is not known meanwhile")
		}
		r.push("main", "b")
		b.Set([]Task{r.task("deploy", "main"), r.task("gone", "main")})
		elapse(2 * time.Minute)
		_, runs := r.seen()
		want(t, "runs meanwhile", runs, []string{"main a", "main b"})
		close(wait)
		elapse(2 * time.Minute)
		want(t, "errors", []error{<-forgotten, <-forgotten}, []error{nil, nil})
		_, runs = r.seen()
		want(t, "runs of the task of that name", runs[2:], []string{"main b"})
	})
}
