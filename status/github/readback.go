package github

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
)

const (
	readBackAfter = 30 * time.Second // GitHub has been seen to lose check runs that it had confirmed
	maxReadBack   = 1000             // that wait for it
)

// readBack makes sure that GitHub has kept how check runs have ended: each is asked for once, some time after,
// and once more where it is not known.
type readBack struct {
	mu      sync.Mutex
	waiting []ended
	wake    chan struct{} // of one; nil while nobody asks
}

// ended is a check run that was told to have come to its end.
type ended struct {
	report poller.Report
	id     int64
	wanted app.CheckRun
	to     *app.Repository
	due    time.Time
	missed bool // GitHub has not known it once
	log    *slog.Logger
}

func (b *readBack) add(one ended) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wake == nil || len(b.waiting) == maxReadBack {
		return
	}
	one.due = time.Now().Add(readBackAfter)
	b.waiting = append(b.waiting, one)
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// next takes the first one, if it is due, and tells else for how long to wait; 0 for ever.
func (b *readBack) next() (one ended, due bool, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		return one, false, 0
	}
	one = b.waiting[0]
	if wait = time.Until(one.due); wait > 0 {
		return one, false, wait
	}
	b.waiting = b.waiting[1:]
	return one, true, 0
}

// readBack asks until ctx is done.
func (g *Reporter) readBack(ctx context.Context) {
	b := &g.ends
	b.mu.Lock()
	b.wake = make(chan struct{}, 1)
	b.mu.Unlock()
	for ctx.Err() == nil {
		one, due, wait := b.next()
		if due {
			g.confirm(ctx, one)
			continue
		}
		var timer <-chan time.Time
		if wait > 0 {
			timer = time.After(wait)
		}
		select {
		case <-ctx.Done():
		case <-b.wake:
		case <-timer:
		}
	}
}

// confirm has a check run told anew that GitHub has lost, and its end where only that was. While GitHub does not answer it
// says nothing.
func (g *Reporter) confirm(ctx context.Context, one ended) {
	has, err := one.to.Check(ctx, one.id, time.Time{})
	var refused *app.RefusedError
	switch {
	case errors.As(err, &refused) && refused.Missing() && !one.missed:
		one.missed = true
		g.ends.add(one)
		return
	case errors.As(err, &refused) && refused.Missing() && g.Anew != nil:
		one.log.Warn("GitHub has lost a check run that it had confirmed: it is told anew", "check", one.id)
		err = g.Anew(ctx, one.report.Run, "told anew: GitHub had lost the first one")
	case err == nil && has.Status != completed:
		one.log.Warn("GitHub has lost how a check run has ended: it is told anew", "check", one.id)
		one.wanted.Output.Annotations = nil // which come to those that there are
		err = one.to.UpdateCheck(ctx, one.id, one.wanted)
	default:
		return
	}
	if err != nil && ctx.Err() == nil {
		one.log.Warn("a check run that GitHub has lost cannot be told anew", "check", one.id, "err", err)
	}
}
