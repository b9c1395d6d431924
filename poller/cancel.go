package poller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// cancelledError ends a run that somebody has cancelled.
type cancelledError string // by whom

func (e cancelledError) Error() string { return "cancelled by " + string(e) }

// Cancel ends a run as a timeout would, and has it not tried again until [Again], a new
// head or a changed task. It returns how the run stands then, also when it was cancelled before.
func (p *Poller) Cancel(ctx context.Context, run, by string) (why string, err error) {
	all, err := p.recallAll(ctx) // a run of a memory that does not read is not known
	if err != nil {
		return "", err
	}
	for name, s := range all {
		for _, r := range s.Refs {
			if r.Run != nil && r.Run.ID == run {
				return p.Order(ctx, name, Order{What: Cancel, Run: run, By: by})
			}
		}
	}
	return "", &RefusedError{true, fmt.Sprintf("no run %q goes on", run)}
}

// cancel notes in the state that a run is cancelled.
func (s State) cancel(o Order) (State, ordered, error) {
	for _, ref := range slices.Sorted(maps.Keys(s.Refs)) {
		switch r := s.Refs[ref]; {
		case r.Run == nil || r.Run.ID != o.Run:
		case r.Run.Cancelled != "":
			return s, ordered{why: r.Run.rests(o.task)}, nil
		case !r.unfinished():
			return s, ordered{}, refuse("run %s has ended: %s", o.Run, r.Run.Outcome)
		default:
			run := *r.Run
			run.Cancelled = o.By
			done := ordered{about: run.Revision, why: run.rests(o.task), told: "run " + o.Run + " cancelled by " + o.By}
			return s.with(ref, func(r *RefState) { r.Run = &run }), done, nil
		}
	}
	return s, ordered{}, &RefusedError{true, fmt.Sprintf("no run %q goes on", o.Run)}
}

// rests says why a run is not tried again.
func (r *Run) rests(task string) string {
	if r.Cancelled != "" {
		return fmt.Sprintf("cancelled by %s; kitops again %s", r.Cancelled, task)
	}
	if r.Moved != "" {
		return r.Reason
	}
	return "a mistake in the revision itself: waits for another head"
}

// stopCancelled ends the run, if it is the one that goes on.
func (p *Poller) stopCancelled(task string, o Order) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w := p.watches[task]; w != nil {
		w.cancelRun(o.Run, cancelledError(o.By))
	}
}

// cancellable is the context of a run, which ends when somebody cancels it.
func (w *watch) cancellable(ctx context.Context, run Run) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	w.setCancel(run.ID, cancel)
	if s, err := w.mem.Load(ctx); err == nil { // somebody was quick
		if r := s.Refs[run.Revision.Ref].Run; r != nil && r.ID == run.ID && r.Cancelled != "" {
			cancel(cancelledError(r.Cancelled))
		}
	}
	return ctx, func() { w.setCancel("", nil); cancel(nil) }
}

// orCancelled is how a run has ended that somebody may have cancelled.
func orCancelled(ctx context.Context, err error) error {
	var cancelled cancelledError
	var newer supersededError
	var gone goneError
	switch cause := context.Cause(ctx); {
	case err == nil:
	case errors.As(cause, &cancelled):
		return cancelled
	case errors.As(cause, &newer):
		return newer
	case errors.As(cause, &gone):
		return gone
	}
	return err
}

func (w *watch) setCancel(run string, cancel context.CancelCauseFunc) {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	w.runs, w.cancel = run, cancel
}

// whenRunning is how a run that goes on, or was cut off, stands.
func (r RefState) whenRunning(task string, here bool, now time.Time) string {
	switch {
	case !here && r.Run.Cancelled != "":
		return r.Run.rests(task)
	case !here:
		return "was running when kitops ended; runs again when it is back"
	case r.Run.Cancelled != "":
		return "being cancelled by " + r.Run.Cancelled
	}
	return "running since " + near(r.Run.Started, now)
}
