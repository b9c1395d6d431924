package poller

import (
	"context"
	"errors"
	"time"
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
	w.sweep(ctx)
	return nil
}
