package poller

import (
	"context"
	"errors"
	"os/exec"
	"time"

	"github.com/bittrance/kitops/poller/bug"
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

// NothingToRun is the Reason of a run that succeeded without an action.
const NothingToRun = "nothing to run"

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
	switch {
	case err == nil:
		run.Action = ""
		if w.task.Brings && !run.acted {
			run.Reason = NothingToRun
		}
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
	var exit *exec.ExitError
	var timeout timeoutError
	switch {
	case err == nil:
		return Success
	case run.Action != "" && (errors.As(err, &exit) || errors.As(err, &timeout)):
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
func (w *watch) saveOutcome(ctx context.Context, run Run, parked *Parked) (retry time.Time, err error) {
	switch {
	case run.Outcome == Success, run.Mistake != "":
	case ctx.Err() != nil: // like a crash: the start counts
		retry = run.Started.Add(pause(w.task.Interval, run.Attempt))
	default:
		retry = run.Finished.Add(pause(w.task.Interval, run.Attempt))
	}
	for wait := saveWait; ; wait = min(2*wait, maxSaveWait) {
		err = w.mem.save(ctx, func(s State) State {
			return w.task.ended(s.with(run.Revision.Ref, func(r *RefState) {
				saved := run
				r.Run, r.Group, r.Retry, r.Parked = &saved, nil, retry, parked
				if run.Outcome == Success {
					r.Applied = run.Revision.SHA
				}
			}), run)
		})
		w.outbox.kick(ctx, w.mem.state)
		if err == nil || w.once && wait > saveWait {
			return retry, err
		}
		w.tell(Event{Kind: Troubled, Err: err})
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return retry, err
		}
	}
}
