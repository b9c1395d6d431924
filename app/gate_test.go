package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func newGate() *gate {
	return &gate{whose: "test", log: slog.New(slog.DiscardHandler), recheck: 30 * time.Second}
}

// busy sends n requests at once and returns when each got its turn, in the order of the turns.
func (g *gate) busy(t *testing.T, n int, c class, price int) *turns {
	t.Helper()
	all := &turns{}
	for range n {
		all.Go(func() {
			if err := g.enter(t.Context(), c, price); err != nil {
				t.Error(err)
				return
			}
			all.note(c)
			time.Sleep(10 * time.Millisecond)
			_ = g.leave(nil)
		})
	}
	return all
}

// counts reads the gate while others use it.
func (g *gate) counts() (inFlight, waiting, strikes int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inFlight, len(g.waiting), g.strikes
}

type turns struct {
	sync.WaitGroup
	mu      sync.Mutex
	at      []time.Time
	classes []class
}

func (all *turns) note(c class) {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.at, all.classes = append(all.at, time.Now()), append(all.classes, c)
}

// most is the largest number of turns within any minute.
func (all *turns) most() int {
	most := 0
	for i, start := range all.at {
		n := 0
		for _, at := range all.at[i:] {
			if at.Sub(start) < time.Minute {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

func TestGateHoldsPointsPostsAndFlight(t *testing.T) {
	cases := map[string]struct {
		n     int
		class class
		price int
		most  int
	}{
		"looks":  {2000, ordinary, readPoints, 800},
		"tokens": {400, ordinary, writePoints, 160},
		"posts":  {200, final, writePoints, 80},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGate()
				start := time.Now()
				all := g.busy(t, c.n, c.class, c.price)
				synctest.Wait()
				if n, _, _ := g.counts(); n != inFlightMost {
					t.Errorf("%d in flight, want %d", n, inFlightMost)
				}
				all.Wait()
				if got := all.most(); got != c.most {
					t.Errorf("%d in a minute, want %d", got, c.most)
				}
				if took, want := time.Since(start), time.Duration(c.n/c.most)*time.Minute; took < want-time.Minute || took > want+time.Minute {
					t.Errorf("took %v, want about %v", took, want)
				}
			})
		})
	}
}

// Five hundred statuses leave within an hour, and looks go on beside those that wait.
func TestGateHoldsStatusesOfAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		begun := time.Now()
		all := g.busy(t, postsPerHour+20, final, writePoints)
		time.Sleep(30 * time.Minute)
		_, waiting, _ := g.counts()
		if waiting != 20 {
			t.Errorf("%d wait after half an hour, want 20", waiting)
		}
		look := time.Now()
		if err := g.enter(t.Context(), ordinary, readPoints); err != nil || time.Since(look) > time.Second {
			t.Errorf("a look waited %v, %v", time.Since(look), err)
		}
		_ = g.leave(nil)
		all.Wait()
		if took := time.Since(begun); took < time.Hour || took > time.Hour+2*time.Minute {
			t.Errorf("all left after %v, want an hour", took)
		}
	})
}

func TestGateLetsFinalStatusesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		all := &turns{}
		g.busy(t, postsPerMinute, pending, writePoints).Wait()
		for range inFlightMost - 1 { // leave one place, so that turns come one by one
			if err := g.enter(t.Context(), ordinary, readPoints); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []class{deploying, pending, ordinary, final, pending, ordinary, final} {
			all.Go(func() {
				if err := g.enter(t.Context(), c, writePoints); err != nil {
					t.Error(err)
				}
				all.note(c)
				_ = g.leave(nil)
			})
			synctest.Wait()
		}
		all.Wait()
		if want := []class{ordinary, ordinary, final, final, pending, pending, deploying}; !slices.Equal(all.classes, want) {
			t.Errorf("got %v, want %v: looks do not wait for posts, finals go before pendings, and those before deployments", all.classes, want)
		}
	})
}

func TestGateCanBeLeftWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		all := g.busy(t, pointsPerMinute, ordinary, readPoints)
		all.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.enter(ctx, ordinary, readPoints); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		err := g.enter(t.Context(), ordinary, readPoints)
		if n, waiting, _ := g.counts(); err != nil || n != 1 || waiting != 0 {
			t.Errorf("got %v, %d in flight, %d waiting", err, n, waiting)
		}
	})
}

func TestGateDoublesPausesThatGitHubLeavesOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		for _, want := range []time.Duration{1, 2, 4, 8, 15, 15} {
			if err := g.enter(t.Context(), ordinary, readPoints); err != nil {
				t.Fatal(err)
			}
			if err := g.enter(t.Context(), ordinary, readPoints); err != nil { // two meet the limit together
				t.Fatal(err)
			}
			for range 2 {
				limit, _ := errors.AsType[*LimitError](g.leave(&LimitError{Secondary: true}))
				if got := time.Until(limit.Until); got != want*time.Minute {
					t.Errorf("paused for %v, want %v min", got, want)
				}
			}
			if _, limited := errors.AsType[*LimitError](g.enter(t.Context(), ordinary, readPoints)); !limited {
				t.Error("let in during a pause")
			}
			time.Sleep(want * time.Minute)
		}
		if err := g.enter(t.Context(), ordinary, readPoints); err != nil {
			t.Fatal(err)
		}
		_ = g.leave(nil)
		if _, _, strikes := g.counts(); strikes != 0 {
			t.Error("a good answer is no all-clear")
		}
	})
}

func TestGateTurnsAwayWhoWaitsWhenTheAPIIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		for range inFlightMost {
			if err := g.enter(t.Context(), ordinary, readPoints); err != nil {
				t.Fatal(err)
			}
		}
		var all sync.WaitGroup
		var away atomic.Int32
		for range 100 {
			all.Go(func() {
				if _, down := errors.AsType[*DownError](g.enter(t.Context(), ordinary, readPoints)); down {
					away.Add(1)
				}
			})
		}
		synctest.Wait()
		for range 3 {
			_ = g.leave(&DownError{errors.New("no answer")})
		}
		all.Wait()
		if away.Load() != 98 { // two were let in before it was clear
			t.Errorf("%d turned away, want 98", away.Load())
		}
		if _, down := errors.AsType[*DownError](g.enter(t.Context(), ordinary, readPoints)); !down {
			t.Error("tried all the same")
		}
		time.Sleep(15 * time.Second)
		if err := g.enter(t.Context(), ordinary, readPoints); err != nil {
			t.Errorf("after a while: %v", err)
		}
	})
}
