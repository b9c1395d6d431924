package poller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/files"
)

// sweepFarewell is for removing what a run left when kitops ends. The rest is
// for the next agent.
const sweepFarewell = 5 * time.Second

// leftovers are folders of runs that could not be removed yet, or that an
// earlier agent left.
type leftovers struct {
	mu    sync.Mutex
	dirs  map[string]bool   // and whether it was said that they cannot be removed
	held  map[string]string // by ID, the folders of runs that may still be going on
	stuck int               // how many were said to be left

	removing bool           // by sweepSoon
	more     bool           // and something has come meanwhile
	stop     func()         // ends it
	done     sync.WaitGroup // of it
}

func (l *leftovers) add(dir string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dirs == nil {
		l.dirs = map[string]bool{}
	}
	if _, there := l.dirs[dir]; !there {
		l.dirs[dir] = false
	}
}

// hold keeps the folder of a run from being removed; false says that there is
// one of that run already.
func (l *leftovers) hold(id, dir string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = map[string]string{}
	}
	if l.held[id] != "" {
		return false
	}
	l.held[id] = dir
	return true
}

// free lets the folder of a run be removed.
func (l *leftovers) free(id string) {
	l.mu.Lock()
	dir := l.held[id]
	delete(l.held, id)
	l.mu.Unlock()
	if dir != "" {
		l.add(dir)
	}
}

// sweep tries to remove everything that is left over, until ctx ends. What
// cannot be removed is named in an error once, then counted, and tried again by
// the next sweep.
func (l *leftovers) sweep(ctx context.Context) error {
	l.mu.Lock()
	mine := l.dirs
	l.dirs = nil // each folder is one sweep's at a time
	l.mu.Unlock()
	var errs []error
	named := map[string]bool{}
	for dir, known := range mine {
		err := files.RemoveTree(ctx, dir)
		if err == nil {
			continue
		}
		if !known && ctx.Err() == nil {
			errs = append(errs, fmt.Errorf("remove %s: %w", dir, err))
			known = true
		}
		named[dir] = known
	}
	return errors.Join(append(errs, l.putBack(named, len(errs)))...)
}

// putBack keeps what a sweep could not remove. Its error is a count of what was
// named before, if that is news.
func (l *leftovers) putBack(dirs map[string]bool, fresh int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dirs == nil {
		l.dirs = map[string]bool{}
	}
	stuck := 0
	for dir, named := range dirs {
		l.dirs[dir] = l.dirs[dir] || named
	}
	for _, named := range l.dirs {
		if named {
			stuck++
		}
	}
	before := l.stuck
	l.stuck = stuck
	if old := stuck - fresh; old > 0 && stuck != before {
		return fmt.Errorf("%d more workdirs that were named before cannot be removed either", old)
	}
	return nil
}

// sweep is that of the leftovers, which goes on for a little while after ctx has
// ended unless running actions are to be killed.
func (p *Poller) sweep(ctx context.Context) error {
	ctx, cancel := lingering(ctx, sweepFarewell)
	defer cancel()
	ctx, cancel = until(ctx, p.Kill)
	defer cancel()
	return p.leftovers.sweep(ctx)
}

// sweepSoon removes the leftovers while everything else goes on, before which it
// stands back. What cannot be removed is told.
func (p *Poller) sweepSoon(ctx context.Context) {
	l := &p.leftovers
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.more = true; l.removing {
		return
	}
	l.removing = true
	ctx, l.stop = context.WithCancel(ctx)
	l.done.Go(func() {
		files.Yielding(func() {
			for l.next() {
				p.tellSwept(bug.Catch(func() error { return l.sweep(ctx) }))
			}
		})
	})
}

// sweepNow ends what sweepSoon does and does it itself, since it is waited for.
func (p *Poller) sweepNow(ctx context.Context) {
	l := &p.leftovers
	l.mu.Lock()
	stop := l.stop
	l.mu.Unlock()
	if stop != nil {
		stop()
	}
	l.done.Wait()
	p.tellSwept(bug.Catch(func() error { return p.sweep(ctx) }))
}

func (p *Poller) tellSwept(err error) {
	if err != nil {
		p.tell(Event{Kind: Troubled, Err: err})
	}
}

// next tells whether there is to be another sweep.
func (l *leftovers) next() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.removing, l.more = l.more, false
	return l.removing
}

// until returns a context that ends with ctx, or when end is closed.
func until(ctx context.Context, end <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	select {
	case <-end:
		cancel()
	default:
		go func() {
			select {
			case <-end:
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	return ctx, cancel
}
