package poller

import (
	"context"
	"sync"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

const (
	// longCheckout is how long a checkout may take before observers are told how far it is.
	longCheckout = time.Second
	// progressPause is the time from then on from one time to the next.
	progressPause = 250 * time.Millisecond
)

// Progress is how far a checkout is.
type Progress struct {
	Bytes   int64 // that have come from the remote
	Files   int64 // that are where they should be
	Planned int64 // of so many; 0: not known yet
	Over    bool  // it has ended, well or not
}

// tellProgress has observers told of the checkouts of a context, if they take long, until done.
func (w *watch) tellProgress(ctx context.Context, run Run) (counted context.Context, done func()) {
	p := &git.Progress{}
	over := make(chan struct{})
	var telling sync.WaitGroup
	telling.Go(func() {
		var last Progress
		for wait := longCheckout; ; wait = progressPause {
			select {
			case <-time.After(wait):
			case <-over:
				if last != (Progress{}) {
					w.tell(Event{Kind: Progressed, Run: run, Progress: Progress{Over: true}})
				}
				return
			}
			var now Progress
			if now.Bytes, now.Files, now.Planned = p.Counts(); now != last {
				w.tell(Event{Kind: Progressed, Run: run, Progress: now})
				last = now
			}
		}
	})
	return git.WithProgress(ctx, p), func() { close(over); telling.Wait() }
}
