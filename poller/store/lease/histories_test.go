package lease

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var seedFlag = flag.Uint64("history", 0, "replay the one history of this seed")

const (
	members = 5
	storm   = 5 * time.Minute // with faults
	calm    = 7 * time.Minute // without, in which all must become well
)

// history plays one, and returns what was wrong in it.
func history(t *testing.T, seed uint64, m mutant) (faults []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{seed: seed, mutant: m, begin: time.Now(), started: map[int]bool{}, acting: map[int]*act{}}
		w.quiet = w.begin.Add(storm)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for n := range members {
			all.Go(func() { w.place(ctx, n) })
		}
		time.Sleep(storm + calm)
		faults = w.verdict()
		cancel()
		all.Wait()
	})
	return faults
}

// place is the life of one member after the other on one host.
func (w *world) place(ctx context.Context, n int) {
	fortune := rand.New(rand.NewPCG(w.seed, uint64(n)))
	upTo := func(limit time.Duration) time.Duration { return time.Duration(fortune.Int64N(int64(limit))) }
	var predecessors []string
	for life := 0; ctx.Err() == nil; life++ {
		m := newMember(w, n, life, predecessors)
		living, end := context.WithCancel(ctx)
		var goes sync.WaitGroup
		goes.Go(func() { m.live(living) })
		for alive := true; alive; {
			select {
			case <-time.After(5*time.Second + upTo(100*time.Second)):
			case <-ctx.Done():
				alive = false
			}
			if time.Now().After(w.quiet) {
				<-ctx.Done()
				break
			}
			until := w.before(upTo([]time.Duration{5 * time.Second, 30 * time.Second, 3 * time.Minute}[fortune.IntN(3)]))
			w.mu.Lock()
			switch fortune.IntN(5) {
			case 0:
				m.paused = until
			case 1, 2, 3:
				m.cutFrom, m.cut = time.Time{}, until
			default:
				alive = false
			}
			w.mu.Unlock()
		}
		close(m.dead)
		end()
		if known := fortune.IntN(2) == 0; known { // the repo dir was not lost
			predecessors = append(slices.Clone(predecessors), m.in.Owner.ID)
			w.stop(n)
		} else {
			predecessors = nil
		}
		time.Sleep(upTo(20 * time.Second))
		defer goes.Wait()
	}
}

// before is a time from now on, without the calm.
func (w *world) before(d time.Duration) time.Time {
	if left := time.Until(w.quiet); d > left {
		d = left
	}
	return time.Now().Add(d)
}

// verdict is what was wrong at the end.
func (w *world) verdict() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := w.read(w.now)
	if last.newest() != w.head() {
		w.fault("revision %d is not applied, only %d", w.head(), last.newest())
	}
	for _, a := range w.told {
		if !slices.Contains(last.applied, a) {
			w.fault("run %d was announced, and is not recorded", a.run)
		}
	}
	return w.faults
}

func TestHistories(t *testing.T) {
	t.Parallel()
	if *seedFlag != 0 {
		for _, fault := range history(t, *seedFlag, sound) {
			t.Error(fault)
		}
		return
	}
	const parts = 4
	n := uint64(1000 / parts)
	if testing.Short() {
		n = 10
	}
	for part := range uint64(parts) {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for seed := 1 + part*n; seed <= (part+1)*n; seed++ {
				if faults := history(t, seed, sound); len(faults) > 0 {
					t.Fatalf("%s\nto play it alone: go test ./poller/store/lease -run TestHistories -history %d", faults[0], seed)
				}
			}
		})
	}
}

// TestMutants has the simulation find the mistakes that leases are easily built with.
func TestMutants(t *testing.T) {
	t.Parallel()
	enough, limit := 5, uint64(1000)
	if testing.Short() {
		enough = 1
	}
	for _, m := range []mutant{noMargin, wallClock, fenceReset, noNonce, noStart, fromAnswer} {
		t.Run(string(m), func(t *testing.T) {
			t.Parallel()
			caught, seed := 0, uint64(0)
			first := ""
			for ; caught < enough && seed < limit; seed++ {
				if faults := history(t, 1+seed, m); len(faults) > 0 {
					caught++
					first = fmt.Sprintf("seed %d: %s", 1+seed, faults[0])
				}
			}
			t.Logf("caught %d times in %d histories; %s", caught, seed, first)
			if caught < enough {
				t.Errorf("caught by %d of %d histories only", caught, seed)
			}
		})
	}
}
