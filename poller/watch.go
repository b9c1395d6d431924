package poller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// watch is the life of one task: a goroutine that looks, runs what is new, and rests.
type watch struct {
	p    *Poller
	task Task
	mem  memory
	once bool // for --poll-once: one look, and each revision it found has one run

	after  <-chan struct{} // closed when the task whose memory this one takes over has ended; may be nil
	wake   chan struct{}   // of one: look now
	outbox outbox

	// Guarded by p.mu.
	next       *Task // what Set wants instead of task
	removed    bool
	inherited  bool          // and the memory is another task's
	ended      chan struct{} // closed when it does nothing any more but report
	nudges     nudges
	vitals     vitals
	repository string // its identity, as far as known

	due      time.Time         // the next look
	failures int               // failed looks in a row
	told     map[string]string // ref → SHA that was said to rest
	chased   []git.Revision    // revisions of nudges that no look has shown yet
	chases   int
	identity string // of the repository, as the last look before a run found it
	moved    bool   // the last run found its revision gone: a newer head is there
}

// maxServings is how often --poll-once follows a head that moves while it is fetched.
const maxServings = 3

// poke makes the watch look soon. It never blocks: a poke that is pending
// already will see everything that this one would.
func (w *watch) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watch) tell(e Event) {
	e.Task = w.mem.key
	w.p.tell(e)
}

// current is the task as Set wants it. The caller holds p.mu.
func (w *watch) current() Task {
	if w.next != nil {
		return *w.next
	}
	return w.task
}

// loop is the watch's goroutine. It ends with ctx, or when its task is removed.
func (w *watch) loop(ctx context.Context, delay time.Duration) {
	defer w.outbox.idle.Wait()
	apart(func() {
		w.succeed(ctx)
		_ = w.recover(ctx) // the observers have heard; nothing runs when it failed, since ctx has ended
		w.expect(time.Now().Add(delay))
	})
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			w.rest(ctx)
			return
		case <-w.wake:
			if w.held(timer) {
				continue
			}
		case <-timer.C:
		}
		if !w.adopt() {
			w.vacate(ctx)
			w.retire(ctx)
			return
		}
		apart(func() {
			_ = w.turn(ctx) // the observers have heard of the errors
			w.expect(w.due)
		})
		timer.Reset(time.Until(w.due))
	}
}

// apart calls f on a stack that goes away again: what a watch rests on stays at
// the 2 KB that a goroutine begins with.
func apart(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// adopt takes over what Set wants of this watch; false means to end.
func (w *watch) adopt() bool {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	if w.removed {
		delete(w.p.watches, w.mem.key)
		close(w.ended)
		return false
	}
	if w.next != nil {
		w.task, w.next, w.failures, w.told = *w.next, nil, 0, nil
	}
	return true
}

// superseded tells whether Set wants something else of this watch.
func (w *watch) superseded() bool {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	return w.removed || w.next != nil
}

// turn looks and runs, until nothing is left that should run now. Before a
// run that had to wait for its slot, heads and state are read again: the
// newest head is what runs.
func (w *watch) turn(ctx context.Context) []error {
	var errs []error
	var held bool
	defer func() {
		if held {
			w.p.slots.Release(1)
		}
	}()
	served := map[string]int{}
	for {
		todo, err := w.look(ctx)
		if err != nil {
			errs = append(errs, err)
		}
		if w.once {
			todo = slices.DeleteFunc(todo, func(rev git.Revision) bool { return served[rev.Ref] >= maxServings })
		}
		if len(todo) == 0 || ctx.Err() != nil {
			return errs
		}
		if !held {
			w.expect(time.Time{})
			waited, err := w.p.acquire(ctx)
			if err != nil {
				return append(errs, fmt.Errorf("%s: interrupted: %w", w.task.Name, err))
			}
			if held = true; waited {
				continue
			}
		}
		rev := todo[0]
		if err := w.serve(ctx, rev); err != nil {
			errs = append(errs, err)
		}
		if served[rev.Ref]++; !w.moved {
			served[rev.Ref] = maxServings
		}
		held = false
		w.p.slots.Release(1)
		if ctx.Err() != nil || w.superseded() || !w.again(len(todo) > 1) {
			return errs
		}
	}
}

// serve runs one revision and plans the next look after it.
func (w *watch) serve(ctx context.Context, rev git.Revision) error {
	w.moved = false
	w.expect(time.Now().Add(w.task.Timeout))
	run, err := w.run(ctx, rev)
	if w.moved {
		w.poke()
	}
	if err != nil {
		w.tell(Event{Kind: Troubled, Err: fmt.Errorf("%s at %s: %w", rev.Name(), rev.SHA, err)})
		w.failures++
		w.due = time.Now().Add(backoff(w.task.Interval, w.failures))
		return fmt.Errorf("%s: %s: %w", w.task.Name, rev.Name(), err)
	}
	w.heed(w.mem.state)
	if run.Outcome == Success || w.moved {
		return nil
	}
	w.known(rev, pausing(run.Attempt)) // the end of the run said when it is tried again
	if run.Action != "" {
		return fmt.Errorf("%s: %s at %s: action %s: %s", w.task.Name, rev.Name(), rev.SHA, run.Action, run.Reason)
	}
	return fmt.Errorf("%s: %s at %s: %s", w.task.Name, rev.Name(), rev.SHA, run.Reason)
}

// again tells whether there is a reason to look right after a run.
func (w *watch) again(more bool) bool {
	if more || len(w.wake) > 0 {
		return true
	}
	return !w.once && !time.Now().Before(w.due)
}

// heed moves the next look to the first revision that may be tried again.
func (w *watch) heed(s State) {
	now := time.Now()
	for _, r := range s.Refs {
		if r.Run != nil && r.Run.Outcome != Success && ahead(r.Retry, now, maxPause) && r.Retry.Before(w.due) {
			w.due = r.Retry
		}
	}
}

// rest saves when the task is due, for a --poll-once that comes after this agent.
func (w *watch) rest(ctx context.Context) {
	if w.due.IsZero() {
		return
	}
	if err := w.saveDue(ctx); err != nil {
		w.tell(Event{Kind: Troubled, Err: err})
	}
}

func (w *watch) saveDue(ctx context.Context) error {
	return w.mem.save(ctx, func(s State) State {
		s = verdictOnNothing(w.task, s).state
		s.NextPoll = w.nextPoll()
		return s
	})
}

// nextPoll is due as the state has it.
func (w *watch) nextPoll() time.Time { return w.due.UTC().Truncate(time.Millisecond) }

var errInterrupted = errors.New("interrupted")
