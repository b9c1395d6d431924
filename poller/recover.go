package poller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bittrance/kitops/poller/hosts"
	"github.com/bittrance/kitops/poller/store/lease"
)

// recover closes the runs that a crash cut off, once what they left running
// has ended. It insists: nothing of the task can run before. The error is that
// of saving, when ctx or the patience of --poll-once has ended.
func (w *watch) recover(ctx context.Context) error {
	defer w.publish()
	if w.mem.Hold != nil {
		return w.recoverLeft(ctx)
	}
	for wait := saveWait; ; wait = min(2*wait, maxSaveWait) {
		err := w.closeCutOff(ctx, lease.Owner{})
		w.outbox.kick(ctx, &w.mem)
		if err == nil {
			return nil
		}
		w.tell(Event{Kind: Troubled, Err: err})
		if w.once && wait > saveWait {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}

// recoverLeft closes the runs of instances that are known to be gone, this one's
// predecessor above all. A look finds what comes later.
func (w *watch) recoverLeft(ctx context.Context) error {
	state, err := w.recall(ctx)
	if err == nil && state.unfinished() && w.mem.Held() == nil {
		err = unlessHeld(w.p.owning(ctx, &w.mem, func(leased context.Context) error { return w.closeCutOff(leased, state.Lease.Owner) }))
		w.outbox.kick(ctx, &w.mem)
	}
	if err != nil {
		w.tell(Event{Kind: Troubled, Err: err})
	}
	return err
}

// closeCutOff closes the runs that an owner of the lease has left open.
func (w *watch) closeCutOff(ctx context.Context, by lease.Owner) error {
	state, err := w.mem.Load(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for ref, r := range state.Refs {
		if r.unfinished() {
			errs = append(errs, w.closeRun(ctx, ref, r, by))
		}
	}
	return errors.Join(errs...)
}

// closeRun ends what a run left running and saves that it was interrupted.
func (w *watch) closeRun(ctx context.Context, ref string, r RefState, by lease.Owner) error {
	another := w.mem.Hold != nil && !w.p.instance.Succeeds(lease.Lease{Owner: by})
	if !another || !w.task.FinishUnleased { // else it is to finish, on this host, too
		err := r.stop(ctx, w.p.Kill)
		if r.Run.Foreign && w.p.foreigners.turn.try(w.mem.Key) { // who has the turn has ended it, or will
			err = errors.Join(err, w.p.endForeign())
			w.p.leaveForeign(w.mem.Key)
		}
		if err != nil {
			if ctx.Err() != nil {
				return err // the next agent goes on with it
			}
			w.tell(Event{Kind: Troubled, Err: err})
		}
	}
	var run Run
	var retry time.Time
	err := w.mem.Save(ctx, func(s State) State {
		if !s.Refs[ref].unfinished() {
			return s // the task has another name by now
		}
		s = s.with(ref, func(r *RefState) {
			run = *r.Run
			run.Task, run.Outcome, run.Finished = w.mem.Key, Error, stamp()
			run.Reason = "interrupted: kitops was killed, will run again"
			switch {
			case run.Cancelled != "":
				run.Outcome, run.Reason, run.Mistake = Failure, cancelledError(run.Cancelled).Error(), w.task.Digest
			case another:
				run.Reason = fmt.Sprintf("interrupted: %s was killed or cut off, will run again", by)
			}
			saved := run
			r.Run, r.Group = &saved, nil
			if another && run.Attempt <= promptTakeovers {
				r.Retry = time.Time{} // nothing speaks against the revision
			}
			retry = r.Retry
		})
		return Task{URL: s.URL, ReportTo: s.ReportTo, DeployTo: s.DeployTo, PullDeployTo: s.PullDeployTo}.ended(s, run)
	})
	if err != nil || run.ID == "" {
		return err
	}
	w.tell(Event{Kind: Interrupted, Run: run, Next: retry})
	w.p.leftovers.free(run.ID)
	w.p.sweepSoon(ctx)
	return nil
}

// ending is what a killed agent left running for a task that is gone, until it
// has ended.
type ending struct {
	repository string
	ended      <-chan struct{}
}

// endOrphan closes the runs of a task that is gone. Tasks on the same repository
// wait for it: one of them may be that task by another name.
func (p *Poller) endOrphan(ctx context.Context, key string, state State, running *sync.WaitGroup) {
	w := p.newWatch(Task{Name: key})
	ended := make(chan struct{})
	if state.unfinished() {
		p.endings = append(p.endings, ending{hosts.Repository(state.URL), ended})
	}
	running.Go(func() {
		w.apart(func() { _ = w.recover(ctx); w.withdraw(ctx) }) // the observers have heard of the error
		close(ended)
		w.outbox.idle.Wait()
	})
}

// awaitEndings waits until nothing of an earlier agent is at work on the
// repository under the name of a task that is gone.
func (w *watch) awaitEndings(ctx context.Context) {
	mine := hosts.Repository(w.task.URL)
	for _, e := range w.p.endings {
		if e.repository != mine {
			continue
		}
		select {
		case <-e.ended:
		case <-ctx.Done():
			return
		}
	}
}
