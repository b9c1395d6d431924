package poller

import (
	"cmp"
	"math/rand/v2"
	"time"
)

const (
	maxPause   = time.Hour       // between two tries at a failing revision
	maxBackoff = 5 * time.Minute // between two tries to save, unless the interval is longer
	maxLook    = time.Minute     // for one look; a hanging server is a failing one
	stagger    = 5 * time.Millisecond
	crowd      = 100 // tasks that start together
	maxNamed   = 20  // branches that are remembered at one look and named
)

// jittered shortens the interval by up to a tenth, so that many tasks spread
// out and a periodic job with the same interval finds every task due.
func jittered(interval time.Duration) time.Duration {
	return interval - time.Duration(rand.Int64N(int64(interval)/10+1))
}

// spread is the time between the first looks of many tasks: too short to
// notice for a few, and all of an interval for a crowd, which is no storm then.
func spread(interval time.Duration, tasks int) time.Duration {
	if tasks <= crowd {
		return stagger
	}
	return interval / time.Duration(tasks)
}

// pause is how long a revision rests after its given attempt failed: the
// interval, doubled with each attempt, at most an hour.
func pause(interval time.Duration, attempt int) time.Duration {
	return doubled(interval, attempt-1, maxPause)
}

// retryPoll is how long a remote rests after the given number of failed polls in
// a row: 1, 2, 4 … seconds, at most the interval.
func (p *Poller) retryPoll(interval time.Duration, failures int) time.Duration {
	return doubled(p.seconds(1), failures-1, interval)
}

// seconds is so many of the seconds in which pauses are counted that wait for a
// remote, not for this host.
func (p *Poller) seconds(n int) time.Duration {
	return time.Duration(n) * cmp.Or(p.Second, time.Second)
}

// backoff is how long a task rests after the given number of failures of kitops
// itself, such as a full disk.
func backoff(interval time.Duration, failures int) time.Duration {
	return doubled(interval, failures, max(interval, maxBackoff))
}

func doubled(d time.Duration, times int, limit time.Duration) time.Duration {
	for ; times > 0 && d < limit; times-- {
		d *= 2
	}
	return min(d, limit)
}

// ahead tells whether t is still to come. A time further ahead than anything
// kitops plans was written by a clock that has since been put back.
func ahead(t, now time.Time, longest time.Duration) bool {
	return t.After(now) && !t.After(now.Add(longest))
}
