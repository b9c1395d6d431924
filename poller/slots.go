package poller

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// aged is how long a retry waits for a slot until it is as urgent as a new head.
const aged = 10 * time.Minute

// slots bound the runs that go on at the same time. Of those who wait, the next slot is for
// what is most urgent, then for the task with the fewest runs, then for who came first.
type slots struct {
	mu      sync.Mutex
	free    int
	taken   map[string]int // by task
	waiting []*place
}

// place is one who waits.
type place struct {
	task  string
	rank  int // as verdict.rank has it
	since time.Time
	ready chan struct{} // closed with the slot
}

func newSlots(n int) *slots { return &slots{free: n, taken: map[string]int{}} }

// try takes a slot if there is one.
func (s *slots) try(task string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free == 0 {
		return false
	}
	s.free--
	s.taken[task]++
	return true
}

// acquire waits for a slot.
func (s *slots) acquire(ctx context.Context, task string, rank int) error {
	s.mu.Lock()
	p := &place{task: task, rank: rank, since: time.Now(), ready: make(chan struct{})}
	s.waiting = append(s.waiting, p)
	s.serve()
	s.mu.Unlock()
	select {
	case <-p.ready:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.waiting)
	s.waiting = slices.DeleteFunc(s.waiting, func(other *place) bool { return other == p })
	if len(s.waiting) == before { // it was served just now
		s.giveBack(task)
	}
	return ctx.Err()
}

// release gives a slot to the next.
func (s *slots) release(task string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.giveBack(task)
}

func (s *slots) giveBack(task string) {
	s.free++
	if s.taken[task]--; s.taken[task] == 0 {
		delete(s.taken, task)
	}
	s.serve()
}

// serve hands out what is free. The caller has the lock.
func (s *slots) serve() {
	for s.free > 0 && len(s.waiting) > 0 {
		now := time.Now()
		next := slices.MinFunc(s.waiting, func(a, b *place) int {
			return cmp.Or(cmp.Compare(a.urgency(now), b.urgency(now)), cmp.Compare(s.taken[a.task], s.taken[b.task]), a.since.Compare(b.since))
		})
		s.waiting = slices.DeleteFunc(s.waiting, func(p *place) bool { return p == next })
		s.free--
		s.taken[next.task]++
		close(next.ready)
	}
}

func (p *place) urgency(now time.Time) int {
	if now.Sub(p.since) >= aged {
		return min(p.rank, newHead)
	}
	return p.rank
}
