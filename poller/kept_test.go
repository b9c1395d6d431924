package poller

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// keeper is a remote whose checkouts may find what they left.
type keeper struct {
	*remote
	mu   sync.Mutex
	dirs []string
}

func (k *keeper) task(name string, refs ...string) Task {
	task := k.remote.task(name, refs...)
	task.Keep, task.RunNew = true, true
	task.Checkout = func(_ context.Context, rev git.Revision, dir string) error {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.dirs = append(k.dirs, dir)
		k.runs = append(k.runs, rev.Name()+" "+rev.SHA[:1])
		return os.MkdirAll(dir, 0o700)
	}
	return task
}

func (k *keeper) last() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.dirs[len(k.dirs)-1]
}

func kept(t *testing.T, b *bench) []string {
	t.Helper()
	return entries(t, filepath.Join(b.RepoDir, KeptDir))
}

func TestKeptWorkdirs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{remote: newRemote("main a", "topic a")}
		b := newBench(t, k.task("deploy", "*"))
		b.start(t)
		k.push("main", "b")
		elapse(2 * time.Minute)
		_, runs := k.seen()
		want(t, "runs", runs, []string{"main a", "topic a", "main b"})
		want(t, "the same workdir", []bool{k.dirs[0] == k.dirs[2], k.dirs[0] == k.dirs[1], exists(k.dirs[0])}, []bool{true, false, true})
		want(t, "its name", filepath.Base(k.dirs[0]), "deploy")

		k.remove("topic")
		elapse(2 * time.Minute)
		want(t, "workdir of a deleted branch", []any{exists(k.dirs[1]), len(kept(t, b))}, []any{false, 1})

		fresh := k.task("deploy", "*")
		fresh.Keep, fresh.Digest = false, "fresh"
		b.Set([]Task{fresh})
		k.push("main", "c")
		elapse(2 * time.Minute)
		want(t, "workdirs of a task that keeps none", len(kept(t, b)), 0)
		want(t, "leftovers", entries(t, filepath.Join(b.RepoDir, WorkDir)), []string{})

		b.Set([]Task{k.task("deploy", "*")})
		k.push("main", "d")
		elapse(2 * time.Minute)
		want(t, "workdirs again", len(kept(t, b)), 1)
		b.Set(nil)
		elapse(2 * time.Minute)
		want(t, "workdirs of a task that is gone", len(kept(t, b)), 0)
	})
}

func TestKeptWorkdirGoesWithTheAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{remote: newRemote("main a")}
		b := newBench(t, k.task("deploy", "main"))
		b.start(t)
		old := k.last()
		moved := k.task("deploy", "main")
		moved.URL, moved.Digest = url+"2", "moved"
		b.Set([]Task{moved})
		elapse(2 * time.Minute)
		want(t, "workdirs", []bool{exists(old), exists(k.last()), old == k.last()}, []bool{false, true, false})
	})
}

// TestKeptWorkdirsAfterRestart has three tasks: one stays, one keeps nothing
// any more, one is gone.
func TestKeptWorkdirsAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{remote: newRemote("main a")}
		tasks := []Task{k.task("one", "main"), k.task("two", "main"), k.task("three", "main")}
		b := newBench(t, tasks...)
		stop := b.start(t)
		stop()
		want(t, "workdirs", len(kept(t, b)), 3)
		dirs := slices.Clone(k.dirs)

		tasks[1].Keep = false
		next := b.again(t, tasks[:2]...)
		next.RepoDir = b.RepoDir
		next.start(t)
		for _, dir := range dirs {
			want(t, filepath.Base(dir), exists(dir), filepath.Base(dir) == "one")
		}
	})
}

// TestKeptWorkdirOfPendingRun stays until the run that may work there is closed.
func TestKeptWorkdirOfPendingRun(t *testing.T) {
	p, dead := New(), t.TempDir()
	p.RepoDir, p.Abandoned = t.TempDir(), []string{dead}
	left := filepath.Join(dead, KeptDir, filepath.Base(p.keptDir("one", url, "refs/heads/main")))
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	state := State{URL: url}.with("refs/heads/main", func(r *RefState) { r.Run = &Run{ID: "pending", Outcome: Pending} })
	err := errors.Join(p.findLeftovers(map[string]bool{"pending": true}), p.findKept(map[string]State{"one": state}), p.leftovers.sweep(t.Context()))
	want(t, "before", []any{err, exists(left)}, []any{nil, true})
	p.leftovers.free("pending")
	want(t, "after", []any{p.leftovers.sweep(t.Context()), exists(left)}, []any{nil, false})
}

// TestKeptWorkdirsOfTheDead are no use to anybody.
func TestKeptWorkdirsOfTheDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{remote: newRemote("main a")}
		b := newBench(t, k.task("one", "main"))
		dead := t.TempDir()
		left := filepath.Join(dead, KeptDir, "0123", "one")
		if err := os.MkdirAll(left, 0o700); err != nil {
			t.Fatal(err)
		}
		b.Abandoned = []string{dead}
		b.start(t)
		want(t, "workdir of a dead agent", exists(left), false)
		if err := Clear(t.Context(), b.RepoDir); err != nil || exists(k.last()) {
			t.Errorf("cleared: %v", err)
		}
	})
}

// TestKeptWorkdirOfAForgottenTask is in the way of the one that is to be made.
func TestKeptWorkdirOfAForgottenTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{remote: newRemote("main a")}
		b := newBench(t, k.task("one", "main"))
		stop := b.start(t)
		stop()
		old := filepath.Join(k.last(), "old")
		if err := os.WriteFile(old, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		task, met := k.task("one", "main"), false
		checkout := task.Checkout
		task.Checkout = func(ctx context.Context, rev git.Revision, dir string) error {
			met = met || exists(old)
			return checkout(ctx, rev, dir)
		}
		next := newBench(t, task) // with another state
		next.RepoDir = b.RepoDir
		next.start(t)
		want(t, "old, new", []bool{met, exists(k.last())}, []bool{false, true})
		want(t, "leftovers", entries(t, filepath.Join(b.RepoDir, WorkDir)), []string{})
	})
}

// TestKeptWorkdirReplaced has an action put a link in the place of its workdir.
func TestKeptWorkdirReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{remote: newRemote("main a")}
		b := newBench(t, k.task("one", "main"))
		b.start(t)
		elsewhere := t.TempDir()
		if err := errors.Join(os.RemoveAll(k.last()), os.Symlink(elsewhere, k.last())); err != nil {
			t.Fatal(err)
		}
		k.push("main", "b")
		elapse(2 * time.Minute)
		info, err := os.Lstat(k.last())
		want(t, "workdir", []any{err, info.IsDir(), exists(elsewhere)}, []any{nil, true, true})
	})
}
