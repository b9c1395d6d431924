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
	"github.com/bittrance/kitops/poller/store"
)

// gauge counts who is at work at the same time.
type gauge struct {
	mu        sync.Mutex
	now, most int
	begun     map[string]time.Time // by ref and SHA, the first time
}

func (g *gauge) going() int { g.mu.Lock(); defer g.mu.Unlock(); return g.now }
func (g *gauge) peak() int  { g.mu.Lock(); defer g.mu.Unlock(); return g.most }

// during is work that takes a while, unless it is ended.
func (g *gauge) during(d time.Duration) func(context.Context, git.Revision) error {
	return func(ctx context.Context, rev git.Revision) error {
		g.mu.Lock()
		if g.begun == nil {
			g.begun = map[string]time.Time{}
		}
		if key := rev.Name() + " " + rev.SHA[:1]; g.begun[key].IsZero() {
			g.begun[key] = time.Now()
		}
		g.now++
		g.most = max(g.most, g.now)
		g.mu.Unlock()
		defer func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.now--
		}()
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func TestParallelRefsOfATask(t *testing.T) {
	for _, slots := range []int{1, 2, 8} {
		t.Run(fmt.Sprint(slots), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, g := newRemote("a 1", "b 1", "c 1", "d 1", "e 1"), &gauge{}
				r.work = g.during(10 * time.Second)
				task := r.task("deploy", "a", "b", "c", "d", "e")
				task.Rules.Parallel = 3
				b := newBench(t, task)
				b.Parallel = slots
				stop := b.start(t)
				elapse(2 * time.Minute)
				want(t, "at once", g.peak(), min(3, slots))
				want(t, "finished", sorted(b.told(Finished)), []string{
					"finished a 1 success", "finished b 1 success", "finished c 1 success", "finished d 1 success", "finished e 1 success",
				})
				r.push("b", "2")
				elapse(2 * time.Minute)
				want(t, "applied", b.state(t, "deploy").Refs["refs/heads/b"].Applied, sha("2"))
				want(t, "skipped", b.texts(Skipped), "")
				stop()
			})
		})
	}
}

// TestLanesEndWithTheAgent and wait for a changed task to take them over.
func TestLanesEndWithTheAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, g := newRemote("a 1", "b 1"), &gauge{}
		r.work = g.during(10 * time.Second)
		task := r.task("deploy", "a", "b")
		task.Rules.Parallel = 2
		b := newBench(t, task)
		stop := b.start(t)
		all, err := b.Standings(t.Context())
		want(t, "running", fmt.Sprint(all[0].Refs[0].Why[:13], all[0].Refs[1].Outcome, err), "running sincerunning<nil>")
		next := task
		next.Rules.Parallel, next.Digest = 0, "other"
		b.Set([]Task{next})
		elapse(30 * time.Second)
		want(t, "finished", len(b.told(Finished)), 2)
		r.push("a", "2")
		b.NudgeAll()
		elapse(time.Second)
		stop()
		want(t, "told", b.told(Finished)[2:], []string{"finished a 2 error"})
		b = b.again(t, task)
		stop = b.start(t)
		elapse(2 * time.Minute)
		r.push("a", "3")
		r.push("b", "3")
		b.NudgeAll()
		elapse(time.Second)
		stop()
		want(t, "told", sorted(b.told(Finished)), []string{"finished a 2 success", "finished a 3 error", "finished b 3 error"})
		want(t, "nobody works", g.going(), 0)
	})
}

func TestOnceRunsRefsInParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, g := newRemote("a 1", "b 1", "c 1", "d 1", "e 1"), &gauge{}
		r.work = g.during(10 * time.Second)
		task := r.task("deploy", "a", "b", "c", "d", "e", "none")
		task.Rules.Parallel = 2
		b := newBench(t, task)
		began := time.Now()
		err := b.Once(t.Context(), true)
		want(t, "error", strings.Contains(fmt.Sprint(err), "has no refs/heads/none"), true)
		want(t, "finished", len(b.told(Finished)), 5)
		want(t, "took", time.Since(began).Round(time.Second), 30*time.Second)
	})
}

func TestNewerHeadCancels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, g := newRemote("main 1", "side 1"), &gauge{}
		r.work = g.during(time.Hour)
		task := r.task("deploy", "main", "side")
		task.Rules = Rules{CancelOnPush: true, Retry: &Retry{}}
		task.Timeout = 2 * time.Hour
		b := newBench(t, task)
		b.start(t)
		r.push("side", "2") // of another ref
		elapse(5 * time.Minute)
		want(t, "finished", len(b.told(Finished)), 0)
		r.push("main", "2")
		elapse(2 * time.Minute)
		want(t, "finished", b.told(Finished), []string{"finished main 1 failure"})
		want(t, "runs the longest unserved", b.state(t, "deploy").Refs["refs/heads/side"].Run.Outcome, Pending)
		elapse(3 * time.Hour)
		want(t, "finished", b.told(Finished), []string{"finished main 1 failure", "finished side 2 success", "finished main 2 success"})
		var reason string
		for _, e := range b.events {
			if e.Kind == Finished && e.Run.Superseded != "" {
				reason = e.Run.Reason
			}
		}
		want(t, "reason", reason, "superseded by 2222222")
	})
}

// TestLanesOnASharedStore have one lease together, which is given back when the last has ended.
func TestLanesOnASharedStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r, g := store.NewMemory(), newRemote("a 1", "b 1", "c 1"), &gauge{}
		r.work = g.during(150 * time.Second)
		task := r.task("deploy", "a", "b", "c")
		task.Rules.Parallel = 2
		a, _ := sharing(t, s, "a", task)
		b, _ := sharing(t, s, "b", task)
		a.start(t)
		b.start(t)
		elapse(time.Hour)
		want(t, "at once", g.peak(), 2)
		finished := append(a.told(Finished), b.told(Finished)...)
		want(t, "finished", sorted(finished), []string{"finished a 1 success", "finished b 1 success", "finished c 1 success"})
		want(t, "trouble", append(a.told(Troubled, Interrupted), b.told(Troubled, Interrupted)...), []string{})
		r.push("a", "2")
		elapse(10 * time.Minute)
		finished = append(a.told(Finished), b.told(Finished)...)
		want(t, "finished", len(finished), 4)
	})
}

// TestOneBranchBesideManyFailing waits at most as long as one run takes, at the 95th percentile.
func TestOneBranchBesideManyFailing(t *testing.T) {
	for _, c := range []struct{ branches, slots, parallel int }{{30, 1, 1}, {100, 2, 1}, {20, 2, 16}} {
		if testing.Short() {
			c.branches = min(c.branches, 30)
		}
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { oneBesideMany(t, c.branches, c.slots, c.parallel) })
		})
	}
}

func oneBesideMany(t *testing.T, branches, slots, parallel int) {
	t.Helper()
	const takes = time.Minute
	many, one, g := newRemote(), newRemote("main 0"), &gauge{}
	var names []string
	for i := range branches {
		names = append(names, fmt.Sprintf("b%d", i))
		many.push(names[i], "1")
	}
	work := g.during(takes)
	many.work = func(ctx context.Context, rev git.Revision) error {
		return errors.Join(work(ctx, rev), errors.New("broken"))
	}
	one.work = work
	crowd, single := many.task("many", names...), one.task("one", "main")
	crowd.Rules.Parallel = parallel
	b := newBench(t, crowd, single)
	b.Parallel = slots
	b.start(t)
	elapse(4 * takes)
	var waits []time.Duration
	for i := range 15 {
		elapse(73 * time.Second)
		pushed, head := time.Now(), fmt.Sprintf("%x", i+1)
		one.push("main", head)
		b.NudgeTask("one")
		elapse(3 * takes)
		g.mu.Lock()
		begun := g.begun["main "+head]
		g.mu.Unlock()
		if begun.IsZero() {
			begun = time.Now()
		}
		waits = append(waits, begun.Sub(pushed))
	}
	slices.Sort(waits)
	if longest := waits[len(waits)-1]; longest > takes+time.Second {
		t.Errorf("waits up to %v: %v", longest, waits)
	}
	want(t, "at once", g.peak(), slots)
}
