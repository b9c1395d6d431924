package poller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/git"
)

// turn goes the way of one revision after the other, until nothing is left that
// should run now.
func (w *watch) turn(ctx context.Context) []error {
	var errs []error
	w.served = map[string]int{}
	for again := true; again; {
		err := bug.Catch(func() (err error) {
			again, err = w.follow(ctx)
			return err
		})
		var broken *bug.Error
		if errors.As(err, &broken) {
			again, w.failures = false, w.failures+1
			w.due = time.Now().Add(backoff(w.interval(), w.failures))
			w.tell(Event{Kind: Troubled, Err: err})
			err = told(fmt.Errorf("%s: %s", w.task.Name, broken.Brief()))
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// follow is the whole way of one revision, from the poll that finds it to the
// outcome that is saved. It tells whether to poll again at once.
func (w *watch) follow(ctx context.Context) (again bool, err error) {
	todo, err := w.look(ctx)
	if len(todo) == 0 {
		if w.p.evict(w.p.parks.old(time.Now())) {
			w.p.sweepSoon(ctx)
		}
		return false, err
	}
	waited, slotErr := w.acquireSlot(ctx)
	if slotErr != nil {
		return false, errors.Join(err, slotErr)
	}
	defer w.releaseSlot()
	if waited { // the newest head is what runs
		if todo, err = w.look(ctx); len(todo) == 0 {
			return false, err
		}
	}

	run, unsaved := w.saveStart(ctx, todo[0])
	if unsaved != nil {
		return w.again(ctx, len(todo) > 1), errors.Join(err, w.unsaved(run, unsaved))
	}
	w.tell(Event{Kind: Started, Run: run})
	dir := w.p.workdir(w.task, run)
	ended := bug.Catch(func() error {
		timed, cancel := actions.WithTimeout(ctx, w.task.Timeout, timeoutError{w.task.Timeout})
		defer cancel()
		if err := w.checkout(timed, run, dir); err != nil {
			return err
		}
		plan, err := w.plan(timed, run, dir)
		if err != nil {
			return err
		}
		return w.act(timed, &run, plan, dir)
	})
	run = w.conclude(ctx, run, ended)
	retry, unsaved := w.saveOutcome(ctx, run, w.park(run, dir, byItself(ended)))
	failed := w.failure(run)
	if unsaved == nil {
		w.tell(Event{Kind: Finished, Run: run, Next: retry})
		failed = told(failed)
	} else if ctx.Err() != nil {
		w.p.lose(run, unsaved)
	}
	w.p.leave(w.task, run, dir)
	w.p.sweepSoon(ctx)
	err = errors.Join(err, failed, w.unsaved(run, unsaved))
	return w.again(ctx, len(todo) > 1), err
}

// acquireSlot waits until a run may start, and tells whether it had to.
func (w *watch) acquireSlot(ctx context.Context) (waited bool, err error) {
	w.expect(time.Time{})
	if waited = !w.p.slots.TryAcquire(1); waited {
		if err := w.p.slots.Acquire(ctx, 1); err != nil {
			return true, fmt.Errorf("%s: interrupted: %w", w.task.Name, err)
		}
	}
	w.slot = true
	w.expect(time.Now().Add(w.task.Timeout))
	return waited, nil
}

// releaseSlot gives the slot to the next run. Where there is none it does nothing.
func (w *watch) releaseSlot() {
	if w.slot {
		w.slot = false
		w.p.slots.Release(1)
	}
}

// unsaved plans the next try after a start or an outcome that could not be saved.
func (w *watch) unsaved(run Run, err error) error {
	if err == nil {
		return nil
	}
	rev := run.Revision
	w.tell(Event{Kind: Troubled, Err: fmt.Errorf("%s at %s: %w", rev.Name(), rev.SHA, err)})
	w.failures++
	w.due = time.Now().Add(backoff(w.task.Interval, w.failures))
	return told(fmt.Errorf("%s: %s: %w", w.task.Name, rev.Name(), err))
}

// lose notes an outcome that the next agent will not know of.
func (p *Poller) lose(run Run, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost = append(p.lost, fmt.Errorf("%s: the outcome of run %s could not be saved: it counts as cut off, and will run again: %s at %s ended (%s): %w",
		run.Task, run.ID, run.Revision.Name(), run.Revision.SHA, run.Outcome, err))
}

// failure is what --poll-once says of a run.
func (w *watch) failure(run Run) error {
	w.heed(w.mem.state)
	if run.Outcome == Success || w.moved {
		return nil
	}
	rev := run.Revision
	w.known(rev, pausing(run.Attempt)) // the end of the run said when it is tried again
	if run.Action != "" {
		return fmt.Errorf("%s: %s at %s: action %s: %s", w.task.Name, rev.Name(), rev.SHA, run.Action, run.Reason)
	}
	return fmt.Errorf("%s: %s at %s: %s", w.task.Name, rev.Name(), rev.SHA, run.Reason)
}

// again tells whether there is a reason to poll right after a run.
func (w *watch) again(ctx context.Context, more bool) bool {
	switch {
	case ctx.Err() != nil, w.superseded():
		return false
	case more, len(w.wake) > 0:
		return true
	}
	return !w.once && !time.Now().Before(w.due)
}

// unserved leaves out the revisions that --poll-once has run, but follows a head
// that moves while it is fetched some times.
func (w *watch) unserved(todo []git.Revision) []git.Revision {
	if !w.once {
		return todo
	}
	return slices.DeleteFunc(todo, func(rev git.Revision) bool { return w.served[rev.Ref] >= maxServings })
}
