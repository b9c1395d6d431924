package poller

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/bittrance/kitops/poller/hosts"
)

// recover closes the runs that a crash cut off, once what they left running
// has ended. It insists: nothing of the task can run before. The error is that
// of saving, when ctx or the patience of --poll-once has ended.
func (w *watch) recover(ctx context.Context) error {
	for wait := saveWait; ; wait = min(2*wait, maxSaveWait) {
		err := w.closeCutOff(ctx)
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

func (w *watch) closeCutOff(ctx context.Context) error {
	state, err := w.mem.load(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for ref, r := range state.Refs {
		if r.unfinished() {
			errs = append(errs, w.closeRun(ctx, ref, r))
		}
	}
	w.outbox.kick(ctx, w.mem.state)
	return errors.Join(errs...)
}

// closeRun ends what a run left running and saves that it was interrupted.
func (w *watch) closeRun(ctx context.Context, ref string, r RefState) error {
	if err := r.stop(ctx, w.p.Kill); err != nil {
		if ctx.Err() != nil {
			return err // the next agent goes on with it
		}
		w.tell(Event{Kind: Troubled, Err: err})
	}
	var run Run
	err := w.mem.save(ctx, func(s State) State {
		if !s.Refs[ref].unfinished() {
			return s // the task has another name by now
		}
		s = s.with(ref, func(r *RefState) {
			run = *r.Run
			run.Task, run.Outcome, run.Finished = w.mem.key, Error, stamp()
			run.Reason = "interrupted: kitops was killed, will run again"
			saved := run
			r.Run, r.Group = &saved, nil
		})
		return Task{URL: s.URL, ReportTo: s.ReportTo}.ended(s, run)
	})
	if err != nil || run.ID == "" {
		return err
	}
	w.tell(Event{Kind: Interrupted, Run: run, Next: r.Retry})
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
		w.apart(func() { _ = w.recover(ctx) }) // the observers have heard of the error
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
