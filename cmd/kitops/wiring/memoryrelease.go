package wiring

import (
	"math"
	"runtime/debug"
	"time"

	"github.com/bittrance/kitops/poller"
)

// What kitops takes, in bytes, before Go collects more than it does by itself.
const (
	easyMemory = 128 << 20
	taskMemory = 24 << 10 // of each task, twice what it has while all of them wait for their first run
)

// easeMemory makes Go collect sooner where objects of hundreds of MB come and
// go, since each doubles what Go would let lie. Whoever knows how many tasks there
// are tells it, or thousands of them have Go do nothing else. GOMEMLIMIT is obeyed instead.
func easeMemory() (expect func(tasks int)) {
	if debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return func(int) {}
	}
	expect = func(tasks int) { debug.SetMemoryLimit(easyMemory + taskMemory*int64(tasks)) }
	expect(0)
	return expect
}

// restAfter is how long no run must have ended before memory is given back.
const restAfter = 3 * time.Second

// MemoryRelease gives the memory that runs took back to the system once they are
// over. Go would keep it for minutes, and an agent rests most of the time. In a
// steady flow of runs it does nothing; else it costs one collection, which is
// little beside the fetch before it.
type MemoryRelease struct{ timer *time.Timer }

// NewMemoryRelease calls free whenever runs have rested. Close ends that.
func NewMemoryRelease(free func()) *MemoryRelease {
	return &MemoryRelease{time.AfterFunc(restAfter, free)}
}

// Observe implements poller.Observer.
func (t *MemoryRelease) Observe(e poller.Event) {
	if e.Kind == poller.Finished {
		t.timer.Reset(restAfter)
	}
}

// Close stops giving memory back.
func (t *MemoryRelease) Close() { t.timer.Stop() }
