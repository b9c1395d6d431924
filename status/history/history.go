package history

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/files"
)

const (
	// maxQueued bounds what waits to be written, in bytes: beyond it output is dropped.
	maxQueued = 8 << 20
	// entryCost is what a waiting event costs beside its output, in bytes.
	entryCost = 512
)

// History is what ran. It is safe for concurrent use.
type History struct {
	dir    string
	keep   Keep
	member string
	log    *slog.Logger

	// Then is told of each event but [poller.Printed] when it is written, or cannot be: who hears
	// of it finds it here. It is set before the first event.
	Then poller.Observer

	mu      sync.Mutex
	queued  []entry
	size    int // of what is queued, in bytes
	closing bool
	wake    chan struct{} // of one
	done    chan struct{} // closed: nothing will be written any more

	opening sync.Mutex
	db      *database           // nil until it is needed
	growing map[string]*growing // output of runs that go on, by run; guarded by mu
	told    bool                // that it cannot be written; the writer's own
}

// entry is an event that waits to be written.
type entry struct {
	poller.Event
	at   time.Time
	lost int64 // bytes of output that were dropped here
}

// New returns the history in a directory, which is made when there is something
// to write. Member is the name of this instance. End with Close.
func New(ctx context.Context, dir string, keep Keep, member string, log *slog.Logger) *History {
	h := &History{
		dir: dir, keep: keep, member: member, log: log, growing: map[string]*growing{},
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	go h.write(context.WithoutCancel(ctx))
	return h
}

// Read opens the history that an agent has left, or that one writes which cannot be asked, to read it only. The error is
// fs.ErrNotExist where there is none. End with Close.
func Read(dir string) (*History, error) {
	opened, err := files.OpenDir(dir)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	h := &History{dir: dir, done: make(chan struct{}), wake: make(chan struct{}, 1)}
	close(h.done)
	h.db, err = readDatabase(opened)
	return h, err
}

// Observe is the [poller.Observer] that writes the history. It never waits.
func (h *History) Observe(e poller.Event) {
	if !kept(e) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing {
		return
	}
	next := entry{Event: e, at: time.Now()}
	if e.Kind == poller.Printed {
		if h.size+len(e.Data) > maxQueued {
			next.lost, next.Data = int64(len(e.Data)), nil
			if last := h.lastOf(e.Run.ID); last != nil && last.lost > 0 {
				last.lost += next.lost
				return
			}
		} else {
			next.Data = bytes.Clone(e.Data)
		}
	}
	h.queued = append(h.queued, next)
	h.size += len(next.Data) + entryCost
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// lastOf is what waits of a run, the latest of it. The caller holds mu.
func (h *History) lastOf(run string) *entry {
	for i := range slices.Backward(h.queued) {
		if h.queued[i].Run.ID == run {
			return &h.queued[i]
		}
	}
	return nil
}

// kept tells which events are history.
func kept(e poller.Event) bool {
	switch e.Kind {
	case poller.Output, poller.Skipped, poller.Progressed: // Printed has it byte by byte; nothing happened
		return false
	case poller.Looked: // the first failure, and the end of it
		return (e.Err != nil) == (e.Failures == 0)
	}
	return true
}

// write is the goroutine that writes what is queued.
func (h *History) write(ctx context.Context) {
	defer close(h.done)
	for {
		h.mu.Lock()
		batch, closing := h.queued, h.closing
		h.queued, h.size = nil, 0
		h.mu.Unlock()
		if len(batch) == 0 {
			if closing {
				return
			}
			<-h.wake
			continue
		}
		for _, e := range batch {
			h.trouble(e.Kind, bug.Catch(func() error { return h.apply(ctx, e) }))
			if h.Then != nil && e.Kind != poller.Printed {
				h.Then(e.Event)
			}
		}
	}
}

// trouble tells once of each time that the history cannot be written. It is over
// with the start of a run, which needs all of the history's files.
func (h *History) trouble(kind poller.Kind, err error) {
	switch {
	case err != nil && !h.told:
		h.log.Warn("the history cannot be written, runs go on without it", "dir", h.dir, "err", err)
	case err == nil && h.told && kind == poller.Started:
		h.log.Info("the history is written again", "dir", h.dir)
	default:
		return
	}
	h.told = err != nil
}

// Close writes what is queued, for at most this long, and closes the files.
func (h *History) Close(patience time.Duration) {
	h.mu.Lock()
	h.closing = true
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
	select {
	case <-h.done:
	case <-time.After(patience):
		return // the writer holds the files
	}
	h.mu.Lock()
	for _, g := range h.growing {
		g.close()
	}
	h.mu.Unlock()
	h.opening.Lock()
	defer h.opening.Unlock()
	if h.db != nil {
		h.db.close()
	}
}
