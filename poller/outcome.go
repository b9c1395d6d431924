package poller

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/git"
)

// Outcome is how a run stands, in the words of GitHub's commit statuses.
type Outcome string

// The outcomes.
const (
	Pending Outcome = "pending" // not finished
	Success Outcome = "success" // all actions exited 0
	Failure Outcome = "failure" // an action failed or ran out of time
	Error   Outcome = "error"   // kitops could not run it, or was cut off
)

// Running is what a run that goes on is called where people read it.
const Running = "running"

// Word is the outcome as people read it.
func (o Outcome) Word() string {
	if o == Pending {
		return Running
	}
	return string(o)
}

// NothingToRun is the Reason of a run that succeeded without an action.
const NothingToRun = "nothing to run"

// Interrupted tells whether the end of kitops cut the run off: that says nothing of its revision.
func (r Run) Interrupted() bool {
	return r.Outcome == Error && strings.HasPrefix(r.Reason, "interrupted") // as all reasons of that kind begin
}

const (
	saveWait    = time.Second // before a failed save is tried again, doubled
	maxSaveWait = time.Minute
)

// conclude says how a run has ended.
func (w *watch) conclude(ctx context.Context, run Run, err error) Run {
	run.Finished, run.Took = stamp(), time.Since(run.began)
	run.Outcome = outcomeOf(run, err)
	var broken *bug.Error
	var mistake *MistakeError
	var cancelled cancelledError
	var newer supersededError
	var gone goneError
	var again *repeatedError
	switch {
	case err == nil:
		run.Action = ""
		if w.scope.passed != "" {
			run.Reason = w.scope.passed
		} else if w.task.Brings && !run.acted {
			run.Reason, run.Unchanged = NothingToRun, w.scope.where
		}
	case errors.As(err, &cancelled):
		run.Outcome, run.Reason = Failure, err.Error()
		run.Cancelled, run.Mistake = string(cancelled), w.task.Digest
	case errors.As(err, &newer):
		run.Outcome, run.Reason, run.Superseded = Failure, newer.Error(), string(newer)
	case errors.As(err, &gone):
		run.Outcome, run.Reason, run.Gone = Failure, gone.Error(), true
	case errors.As(err, &again):
		run.Outcome, run.Reason, run.same = Failure, again.Error(), true
	case ctx.Err() != nil:
		run.Outcome, run.Reason = Error, "interrupted by the end of kitops, will run again"
	case errors.As(err, &broken):
		w.tell(Event{Kind: Troubled, Run: run, Err: broken})
		run.Reason = broken.Brief()
	default:
		run.Reason = err.Error()
		if errors.As(err, &mistake) {
			run.Mistake = w.task.Digest
		}
		if errors.Is(err, git.ErrLFSBudget) {
			run.rest = maxPause
		}
		w.unsigned(&run, err)
	}
	if run.Outcome == Failure && run.Mistake == "" && !run.Overtaken() && !run.same {
		run.Failures++
	}
	if w.moved {
		w.served[run.Revision.Ref]++
		w.poke()
	} else {
		w.served[run.Revision.Ref] = maxServings
	}
	return run
}

// outcomeOf tells an action that failed from a run that kitops could not make.
func outcomeOf(run Run, err error) Outcome {
	switch {
	case err == nil:
		return Success
	case failed(run, err):
		return Failure
	}
	return Error
}

// byItself tells whether a run was not stopped: its actions have come to their own end.
func byItself(err error) bool {
	var exit *exec.ExitError
	return err == nil || errors.As(err, &exit)
}

// saveOutcome saves the outcome and, after success, the applied revision in one
// write. It insists, since forgetting what was done means doing it again.
func (w *watch) saveOutcome(ctx context.Context, run *Run, parked *Parked) (retry time.Time, err error) {
	switch {
	case run.Outcome == Success, run.Mistake != "", run.Overtaken(), w.task.gaveUp(run):
	case run.same:
		retry = w.scope.tried.Retry
	case ctx.Err() != nil: // like a crash: the start counts
		retry = run.Started.Add(w.task.restFor(run.Attempt))
	default:
		retry = run.Finished.Add(max(w.task.restFor(run.Attempt), run.rest))
	}
	booked := parked
	var alarms []string
	if w.p.Parks != nil {
		parked = nil
	}
	for wait, last := saveWait, false; ; wait = min(2*wait, maxSaveWait) {
		err = w.mem.Save(ctx, func(s State) State {
			if s.Paused.stands(run.Finished) {
				run.Held = "paused by " + s.Paused.By
			}
			s, w.back = w.task.giveUp(s, run)
			was := s
			s = w.rounding(s.counting(*run), *run)
			alarms = w.task.alarms(was, s)
			return w.task.ended(s.with(run.Revision.Ref, func(r *RefState) {
				saved := *run
				r.Run, r.Group, r.Retry, r.Parked = &saved, nil, retry, parked
				if run.Outcome == Success || run.Action != "" {
					r.Tried = nil
				}
				if run.Outcome == Success {
					r.applied(run.Revision.SHA, run.Finished)
					r.tagged(w.task, *run)
					r.settle(w.scope)
				}
			}), *run)
		})
		w.outbox.kick(ctx, &w.mem)
		if err == nil {
			for _, text := range alarms {
				w.tell(Event{Kind: Noticed, Run: *run, Reason: text})
			}
		}
		if err == nil && w.p.Parks != nil && booked != nil {
			w.bookParked(ctx, run.Revision.Ref, *booked)
		}
		if err == nil || isLost(err) || last || w.once && wait > saveWait {
			return retry, err
		}
		w.tell(Event{Kind: Troubled, Err: err})
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			last = wait > saveWait // it may be some time since it was tried
			if !last {
				return retry, err
			}
		}
	}
}
