package poller

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/store/bucket"
	"github.com/bittrance/kitops/poller/store/lease"
	"github.com/bittrance/kitops/poller/store/members"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

var memberSeed = flag.Uint64("members", 0, "replay the one history of members of this seed")

// scene is what members share in a history.
type scene struct {
	bucket  *objects.Bucket
	remotes []*remote
	tasks   []Task
	quiet   time.Time // from then on nothing bad happens

	mu     sync.Mutex
	going  map[int]int // runs, by task
	faults []string
	alive  []*member
}

func newScene(tasks int, quiet time.Duration) *scene {
	s := &scene{bucket: &objects.Bucket{}, quiet: time.Now().Add(quiet), going: map[int]int{}}
	s.remotes, s.tasks = repositories(tasks)
	for i, r := range s.remotes {
		r.work = func(ctx context.Context, rev git.Revision) error {
			s.begin(i, rev, 1)
			defer s.begin(i, rev, -1)
			select {
			case <-time.After(40 * time.Second):
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	return s
}

// begin counts the runs of a task that go on.
func (s *scene) begin(task int, rev git.Revision, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.going[task] += n; s.going[task] > 1 {
		s.faults = append(s.faults, fmt.Sprintf("two runs of task-%d at %s, after %s", task, rev.SHA[:1], time.Since(s.quiet)))
	}
}

// place is the life of one member after the other under a name.
func (s *scene) place(t *testing.T, name string, rng *rand.Rand) {
	t.Helper()
	upTo := func(d time.Duration) time.Duration { return time.Duration(rng.Int64N(int64(d))) }
	for {
		m := joining(t, s.bucket, name, s.tasks...)
		m.loses = true
		m.start(t)
		for alive := true; alive; {
			time.Sleep(20*time.Second + upTo(time.Minute))
			if time.Now().After(s.quiet) {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.alive = append(s.alive, m)
				return
			}
			switch rng.IntN(5) {
			case 0:
				m.crash()
				alive = false
			case 1:
				m.stop()
				alive = false
			case 2, 3:
				m.strand.set(true)
				time.Sleep(upTo(2 * time.Minute))
				m.strand.set(false)
			}
		}
		time.Sleep(upTo(90 * time.Second))
	}
}

// TestHistoriesOfMembers has members join, leave, crash and lose the store while revisions are
// pushed: no two run one task at the same time, and when all is calm everything is applied, and
// each task is polled by one of them.
func TestHistoriesOfMembers(t *testing.T) {
	t.Parallel()
	seeds := []uint64{*memberSeed}
	if *memberSeed == 0 {
		seeds = nil
		for seed := range gittest.Rounds(3, 1) {
			seeds = append(seeds, uint64(seed)+1)
		}
	}
	for _, seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			s := newScene(5, 20*time.Minute)
			var lives sync.WaitGroup
			for n := range 4 {
				lives.Go(func() { s.place(t, fmt.Sprintf("m%d", n), rand.New(rand.NewPCG(seed, uint64(n)))) })
			}
			rng := rand.New(rand.NewPCG(seed, 99))
			for time.Now().Before(s.quiet) {
				time.Sleep(10*time.Second + time.Duration(rng.Int64N(int64(40*time.Second))))
				s.remotes[rng.IntN(len(s.remotes))].push("main", fmt.Sprintf("%x", 1+rng.IntN(15)))
			}
			lives.Wait()
			elapse(6 * lease.TTL)
			before := looks(s.remotes)
			elapse(5 * time.Minute)
			if polls := looks(s.remotes) - before; polls > 6*len(s.tasks)+2 {
				s.faults = append(s.faults, fmt.Sprintf("%d polls of %d tasks in the calm", polls, len(s.tasks)))
			}
			tasks := bucket.New(s.bucket, bucket.Options{Folder: "team"}).Sub(members.TasksDir)
			for i, r := range s.remotes {
				m := newMemory(tasks, s.tasks[i].Name)
				state, err := m.Load(t.Context())
				if applied := state.Refs["refs/heads/main"].Applied; err != nil || applied != r.heads["refs/heads/main"] {
					s.faults = append(s.faults, fmt.Sprintf("task-%d: applied %.1s of %.1s (%v), lease %s", i, applied, r.heads["refs/heads/main"], err, state.Lease.Owner))
				}
			}
			for _, m := range s.alive {
				m.stop()
			}
			for i := range s.tasks { // all have given back what they had
				m := newMemory(tasks, s.tasks[i].Name)
				if state, err := m.Load(t.Context()); err != nil || !state.Lease.Ended(time.Now()) {
					s.faults = append(s.faults, fmt.Sprintf("task-%d: %s still has a lease (%v)", i, state.Lease.Owner, err))
				}
			}
			for _, fault := range s.faults {
				t.Errorf("%s\nto play it alone: go test ./poller -run TestHistoriesOfMembers -members %d", fault, seed)
			}
		})
		if t.Failed() {
			return
		}
	}
}
