package poller

import (
	"context"
	"sync"
)

// preparer does for parked workdirs ahead what the next run of their ref would have to do: their files are moved to new
// directories, which no action can reach until then. It is one after the other.
type preparer struct {
	mu    sync.Mutex
	queue map[string]*preparation // by folder
	turn  chan struct{}           // of one
	done  sync.WaitGroup
}

// preparation is that of one workdir.
type preparation struct {
	cancel context.CancelFunc
	hurry  chan struct{} // closed: somebody waits for its end
	ended  chan struct{}
}

// add begins a preparation when those before have ended, unless somebody is in a hurry before.
func (r *preparer) add(ctx context.Context, folder string, work func(ctx context.Context, hurry <-chan struct{})) {
	ctx, cancel := context.WithCancel(ctx)
	q := &preparation{cancel: cancel, hurry: make(chan struct{}), ended: make(chan struct{})}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.queue == nil {
		r.queue, r.turn = map[string]*preparation{}, make(chan struct{}, 1)
	}
	r.queue[folder] = q
	r.done.Go(func() {
		defer close(q.ended)
		defer cancel()
		select {
		case r.turn <- struct{}{}:
			defer func() { <-r.turn }()
		case <-q.hurry:
			return
		case <-ctx.Done():
			return
		}
		work(ctx, q.hurry)
	})
}

// settle returns when nobody works on a parked workdir any more. What was begun is done without delay, or given up.
func (r *preparer) settle(folder string, giveUp bool) {
	r.mu.Lock()
	q := r.queue[folder]
	delete(r.queue, folder)
	r.mu.Unlock()
	if q == nil {
		return
	}
	if giveUp {
		q.cancel()
	}
	close(q.hurry)
	<-q.ended
}
