package webhook

import (
	"math/rand/v2"
	"time"
)

const (
	maxQuiet   = 2 * time.Minute // while everything comes by the endpoint anyway
	maxBackoff = 5 * time.Minute
	maxIdle    = time.Hour // while the App has no webhook
	firstIdle  = 5 * time.Minute
)

// pace says when to read the delivery log again.
type pace struct {
	interval time.Duration
	quiet    int // reads in a row that brought only what had come by the endpoint
	failures int // failed reads in a row
	idle     int // looks for a webhook in a row that found none
	spread   func(time.Duration) time.Duration
}

// spread lengthens a pause by up to a tenth, so that the agents of one App do not ask all at once.
func spread(d time.Duration) time.Duration { return d + time.Duration(rand.Int64N(int64(d)/10+1)) }

// afterRead is the pause after a read that went well. It lets what is left of the limit last until the reset, and leaves a
// tenth of the limit to others who need it: tokens are made from it.
func (p *pace) afterRead(b budget, now time.Time) time.Duration {
	pause := max(p.interval, doubled(p.interval, p.quiet, maxQuiet))
	rest := b.reset.Sub(now)
	if b.limit <= 0 || rest <= 0 {
		return p.spread(pause)
	}
	if spare := b.remaining - b.limit/10; spare > 0 {
		return p.spread(max(pause, rest/time.Duration(spare)))
	}
	return p.spread(max(pause, rest))
}

func (p *pace) afterFailure() time.Duration {
	p.failures++
	return p.spread(max(p.interval, doubled(p.interval, p.failures, maxBackoff)))
}

func (p *pace) afterLimit(until, now time.Time) time.Duration {
	return p.spread(max(p.interval, until.Sub(now)))
}

func (p *pace) afterNoHook() time.Duration {
	p.idle++
	return p.spread(max(p.interval, doubled(firstIdle, p.idle-1, maxIdle)))
}

func doubled(d time.Duration, times int, limit time.Duration) time.Duration {
	for ; times > 0 && d < limit; times-- {
		d *= 2
	}
	return min(d, limit)
}
