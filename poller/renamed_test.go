package poller

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

func TestRenamedTaskKeepsItsMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a"), &world{}
		b := newBench(t, found(r, "ci@acme/shop", "1")).hearing(w)
		b.start(t)
		release := make(chan struct{})
		r.work = func(context.Context, git.Revision) error { <-release; return nil }
		r.push("main", "b")
		elapse(2 * time.Minute) // a run goes on
		store := found(r, "ci@acme/store", "1")
		store.Formerly = "ci@acme/shop"
		b.Set([]Task{store})
		elapse(2 * time.Minute)
		_, runs := r.seen()
		want(t, "runs meanwhile", runs, []string{"main b"})
		close(release)
		elapse(2 * time.Minute)
		_, runs = r.seen()
		want(t, "runs of what is applied", runs, []string{"main b"})
		want(t, "memories", b.memories(t), []string{"ci@acme/store"})
		want(t, "applied", b.state(t, "ci@acme/store").Refs["refs/heads/main"].Applied, sha("b"))
		store.Formerly = "" // as the next listing has it
		b.Set([]Task{store})
		r.push("main", "c")
		elapse(2 * time.Minute)
		_, runs = r.seen()
		want(t, "runs", runs, []string{"main b", "main c"})
	})
}

func TestRenameWhileTheWorldIsDeaf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a"), &world{}
		b := newBench(t, found(r, "ci@acme/shop", "1")).hearing(w)
		b.start(t)
		w.fail(errors.New("no answer"))
		r.push("main", "b")
		elapse(2 * time.Minute)
		store := found(r, "ci@acme/store", "1")
		store.Formerly = "ci@acme/shop"
		b.Set([]Task{store})
		r.push("main", "c")
		elapse(2 * time.Minute)
		_, runs := r.seen()
		want(t, "runs, which wait for no report", runs, []string{"main b", "main c"})
		w.fail(nil)
		elapse(2 * time.Minute)
		want(t, "heard", sorted(w.heard), []string{"kitops/ci@acme/shop main b success", "kitops/ci@acme/store main c success"})
		want(t, "memories", b.memories(t), []string{"ci@acme/store"})
	})
}

// TestRenamedMeanwhile is a rename while no kitops was there, after a crash.
func TestRenamedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a"), &world{}
		b := newBench(t, found(r, "ci@acme/shop", "1")).hearing(w)
		stop := b.start(t)
		r.push("main", "b")
		elapse(2 * time.Minute)
		stop()
		m := newMemory(b.Store, "ci@acme/shop")
		err := m.Save(t.Context(), func(s State) State {
			return s.with("refs/heads/main", func(r *RefState) { r.Run.Revision.SHA, r.Run.Outcome = sha("c"), Pending })
		})
		want(t, "error", err, nil)
		store := found(r, "ci@acme/store", "1")
		store.Formerly = "ci@acme/shop"
		r.push("main", "c")
		next := b.again(t, store).hearing(w)
		want(t, "error", next.Once(t.Context(), true), nil)
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main b", "main c"})
		want(t, "interrupted", next.told(Interrupted), []string{"interrupted main c"})
		want(t, "memories", next.memories(t), []string{"ci@acme/store"})
	})
}

// TestRenamedBackAndForth must neither hang nor run anything twice.
func TestRenamedBackAndForth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a"), &world{}
		shop, store := found(r, "ci@acme/shop", "1"), found(r, "ci@acme/store", "1")
		b := newBench(t, shop).hearing(w)
		b.start(t)
		r.push("main", "b")
		elapse(2 * time.Minute)
		release := make(chan struct{})
		r.work = func(context.Context, git.Revision) error { <-release; return nil }
		r.push("main", "c")
		elapse(2 * time.Minute)
		store.Formerly = "ci@acme/shop"
		b.Set([]Task{store})
		elapse(time.Second)
		b.Set([]Task{shop})
		elapse(time.Second)
		close(release)
		elapse(2 * time.Minute)
		b.Set([]Task{store})
		elapse(time.Minute)
		shop.Formerly = "ci@acme/store"
		b.Set([]Task{shop})
		elapse(2 * time.Minute)
		r.push("main", "d")
		elapse(2 * time.Minute)
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main b", "main c", "main d"})
		want(t, "memories", b.memories(t), []string{"ci@acme/shop"})
	})
}

// TestNameTakenByAnotherRepository starts with an empty memory: what is there
// is remembered, not compared with what another repository had.
func TestNameTakenByAnotherRepository(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a"), &world{}
		b := newBench(t, found(r, "ci@acme/shop", "1")).hearing(w)
		b.start(t)
		r.push("main", "b")
		elapse(2 * time.Minute)
		other := newRemote("main e")
		b.Set([]Task{found(other, "ci@acme/shop", "2")})
		elapse(2 * time.Minute)
		_, runs := other.seen()
		want(t, "runs", runs, []string{})
		want(t, "identity", b.state(t, "ci@acme/shop").Identity, "2")
		other.push("main", "f")
		elapse(2 * time.Minute)
		_, runs = other.seen()
		want(t, "runs", runs, []string{"main f"})
	})
}

// TestNameTakenAsItsRepositoryMoves has a repository renamed and another one get
// its name in one listing: each goes on with a memory of its own.
func TestNameTakenAsItsRepositoryMoves(t *testing.T) {
	for range 20 { // in whichever order they come
		synctest.Test(t, func(t *testing.T) {
			r, other := newRemote("main a"), newRemote("main x")
			b := newBench(t, found(r, "ci@acme/shop", "1"))
			b.start(t)
			elapse(time.Minute)
			r.push("main", "b")
			elapse(2 * time.Minute)
			store := found(r, "ci@acme/store", "1")
			store.Formerly = "ci@acme/shop"
			b.Set([]Task{found(other, "ci@acme/shop", "2"), store})
			elapse(2 * time.Minute)
			want(t, "applied", b.state(t, "ci@acme/store").Refs["refs/heads/main"].Applied, sha("b"))
			other.push("main", "y")
			r.push("main", "c")
			elapse(2 * time.Minute)
			_, runs := r.seen()
			want(t, "runs", runs, []string{"main b", "main c"})
			_, runs = other.seen()
			want(t, "runs of the other", runs, []string{"main y"})
		})
	}
}
