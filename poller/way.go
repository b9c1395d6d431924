package poller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/git"
)

// turn goes the way of one revision after the other, until nothing is left that
// should run now.
func (w *watch) turn(ctx context.Context) []error {
	var errs []error
	w.served = map[string]int{}
	for again := true; again; again = again || w.awaitLane(ctx) {
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
	if w.task.Rules.beside() || w.hasLanes() {
		return w.followBeside(ctx)
	}
	todo, err := w.look(ctx)
	if w.runsBeside(first(todo)) {
		return w.startBeside(ctx, todo, err)
	}
	if len(todo) == 0 && !w.owes {
		w.evictOld(ctx)
		return false, err
	}
	if w.spared() {
		return false, err
	}
	grouped, leave, late, groupErr := w.enterGroup(ctx, w.rank(todo), first(todo))
	if groupErr != nil {
		return false, errors.Join(err, w.unleased(groupErr))
	}
	defer leave()
	waited, slotErr := w.acquireSlot(ctx, w.rank(todo), first(todo))
	if slotErr != nil {
		return false, errors.Join(err, slotErr)
	}
	defer w.releaseSlot()
	if held := w.p.drain.enter(w.drainKey(), w.mem.Key); held != nil {
		return w.awaitRelease(ctx, held), err
	}
	defer w.p.drain.leave(w.drainKey())
	leased, release, leaseErr := w.acquireLease(ctx, todo)
	if leaseErr != nil || leased == nil {
		return false, errors.Join(err, w.unleased(leaseErr))
	}
	defer release()
	if waited || late || w.leased { // the newest head is what runs
		if todo, err = w.look(ctx); len(todo) == 0 {
			return false, err
		}
		if w.runsBeside(todo[0]) {
			return true, err
		}
	}
	leased, apart := joined(leased, grouped)
	defer apart()
	err = errors.Join(err, w.carryOut(ctx, leased, todo[0]))
	if w.forbidden {
		return true, err // to look once more, by what was ordered
	}
	return w.again(ctx, len(todo) > 1), err
}

// runsBeside tells whether a revision runs beside the watch in any case: polls are to tell whether its ref is gone.
func (w *watch) runsBeside(rev git.Revision) bool {
	return fleeting(rev.Ref) || w.task.trust(rev).Foreign
}

// carryOut runs a revision, from its start that is saved to its outcome that is.
func (w *watch) carryOut(ctx, leased context.Context, rev git.Revision) error {
	if admitted, err := w.admitted(ctx, rev); err != nil || !admitted {
		return w.unsaved(Run{Revision: rev}, err)
	}
	w.p.preparer.settle(w.p.parkDir(w.task.Name, w.task.URL, rev.Ref), false)
	run, unsaved := w.saveStart(ctx, rev)
	if unsaved != nil {
		return w.unsaved(run, unsaved)
	}
	if w.forbidden {
		return nil
	}
	w.p.drain.started(w.drainKey(), run)
	w.tell(Event{Kind: Started, Run: run})
	dir := w.p.workdir(w.task, run)
	run, ended := w.execute(ctx, leased, run, dir)
	w.learnMaker(leased, run)
	parked := w.park(run, dir, byItself(ended))
	retry, unsaved := w.saveOutcome(ctx, &run, parked)
	if !retry.IsZero() && retry.Before(w.due) { // which may be over by now
		w.due = retry
	}
	failed := w.failure(run)
	if unsaved == nil {
		w.prepareSoon(ctx, run, parked)
		w.publish()
		w.tell(Event{Kind: Finished, Run: run, Next: retry})
		w.tellGaveUp(run)
		failed = told(failed)
	} else if ctx.Err() != nil {
		w.p.lose(run, unsaved)
	}
	w.p.leave(w.task, run, dir)
	w.p.sweepSoon(ctx)
	return errors.Join(failed, w.unsaved(run, unsaved))
}

// drainKey is what a run is counted by.
func (w *watch) drainKey() string {
	if w.main != nil {
		return w.mem.Key + "\x00" + w.ref
	}
	return w.mem.Key
}

// first is the first of what is to run, if there is any.
func first(todo []git.Revision) git.Revision {
	if len(todo) == 0 {
		return git.Revision{}
	}
	return todo[0]
}

// rank is that of the first of what is to run.
func (w *watch) rank(todo []git.Revision) int {
	if len(todo) == 0 {
		return newHead
	}
	return rankOf(w.mem.State.Refs[todo[0].Ref], todo[0])
}

// awaitRelease waits until runs may begin again, and tells whether they may.
func (w *watch) awaitRelease(ctx context.Context, held <-chan struct{}) bool {
	w.releaseSlot()
	w.expect(time.Time{})
	select {
	case <-held:
		return true
	case <-ctx.Done():
		return false
	}
}

// acquireSlot waits until a run of that rank may start, and tells whether it had to.
func (w *watch) acquireSlot(ctx context.Context, rank int, rev git.Revision) (waited bool, err error) {
	w.expect(time.Time{})
	if waited = !w.p.slots.try(w.mem.Key); waited {
		w.setWaiting("waiting for a slot")
		stop := w.reportQueued(ctx, rev, "waiting for a slot")
		err := w.p.slots.acquire(ctx, w.mem.Key, rank)
		stop()
		w.setWaiting("")
		if err != nil {
			return true, fmt.Errorf("%s: interrupted: %w", w.task.Name, err)
		}
	}
	w.slot = true
	w.p.running.Add(1)
	w.expect(time.Now().Add(w.task.Timeout))
	return waited, nil
}

// releaseSlot gives the slot to the next run. Where there is none it does nothing.
func (w *watch) releaseSlot() {
	if w.slot {
		w.slot = false
		w.p.running.Add(-1)
		w.p.slots.release(w.mem.Key)
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
	w.stalled = time.Now().Add(backoff(w.task.Interval, w.failures))
	w.due = w.stalled
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
	w.heed(w.mem.State)
	if run.Outcome == Success || w.moved {
		return nil
	}
	rev := run.Revision
	if !run.GaveUp {
		w.known(rev, pausing(run.Attempt)) // the end of the run said when it is tried again
	}
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
