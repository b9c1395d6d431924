package poller

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// TestDrainCutsNothingOff: what runs ends by itself; after its patience nothing else begins.
func TestDrainCutsNothingOff(t *testing.T) {
	for name, c := range map[string]struct {
		long, drained time.Duration
		other         []string // what the other task has run when it is drained
	}{
		"soon": {5 * time.Minute, 5 * time.Minute, []string{"main a", "main b"}},
		"late": {20 * time.Minute, 20 * time.Minute, []string{"main a"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				busy, other := newRemote("main a"), newRemote("main a")
				busy.work = func(ctx context.Context, _ git.Revision) error {
					select {
					case <-time.After(c.long):
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				b := newBench(t, busy.task("busy", "main"), other.task("other", "main"))
				b.start(t)
				elapse(time.Second)
				begun := time.Now()
				if going := b.Going(); len(going) != 1 || going[0].Revision.SHA != sha("a") || going[0].Task != "busy" {
					t.Fatalf("going on: %+v", going)
				}
				drained := make(chan bool)
				go func() { drained <- b.Drain(t.Context(), 10*time.Minute) }()
				time.AfterFunc(c.long-2*time.Minute, func() { other.push("main", "b") })
				if !<-drained || time.Since(begun) < c.drained-time.Minute || time.Since(begun) > c.drained {
					t.Errorf("drained after %s, want %s", time.Since(begun), c.drained)
				}
				busy.push("main", "c")
				elapse(3 * time.Minute)
				_, runs := other.seen()
				want(t, "runs of the other task", runs, c.other)
				_, runs = busy.seen()
				want(t, "runs", runs, []string{"main a"})
				want(t, "outcome", b.state(t, "busy").Refs["refs/heads/main"].Run.Outcome, Success)
				b.Resume()
				elapse(time.Second)
				_, runs = busy.seen()
				want(t, "runs", runs, []string{"main a", "main c"})
			})
		})
	}
}

func TestDrainEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.work = func(context.Context, git.Revision) error { time.Sleep(30 * time.Minute); return nil }
		b := newBench(t, r.task("busy", "main"))
		b.start(t)
		elapse(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		if b.Drain(ctx, time.Minute) {
			t.Error("drained while something runs")
		}
		elapse(time.Hour)
		r.push("main", "b")
		elapse(time.Hour)
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main a", "main b"})
	})
}
