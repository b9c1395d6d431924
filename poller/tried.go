package poller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// tried is the last try of a ref that an action has failed. A head that differs from it, but in nothing below the task's
// paths, is the same try: its pause goes on.
type tried struct {
	Run   Run       `yaml:"run"`
	Retry time.Time `yaml:"retry,omitempty"`
}

// triedBefore is what a run of a revision may repeat, nil for nothing: what somebody orders, another task and what nobody has let
// fail are no repetitions.
func (t Task) triedBefore(r RefState, rev git.Revision) *tried {
	last := r.Tried
	switch run := r.Run; {
	case r.Order != nil || r.Pinned != nil || run == nil || run.Outcome == Success:
		return nil
	case run.Action == "": // nothing was done since
	case run.Outcome != Failure || run.Mistake != "" || run.Overtaken() || run.Revision.SHA == rev.SHA:
		return nil
	default:
		last = &tried{*run, r.Retry}
	}
	if last == nil || last.Run.Actions != t.Actions || last.Run.Paths != digestOf(t.Paths) {
		return nil
	}
	return last
}

// askTried asks once what has changed since the last try. Where that is not known, it is another one; so it is where nothing
// has changed at all: somebody has pushed to have it tried again.
func (w *watch) askTried(ctx context.Context, run Run) error {
	last := w.scope.tried
	if last == nil || w.scope.since != nil {
		return nil
	}
	all, err := w.source(run).Changes(ctx, run.Revision, last.Run.Revision.SHA)
	var doubt *git.DoubtError
	switch {
	case err != nil && !errors.As(err, &doubt):
		return err
	case err != nil || len(all) == 0:
		w.scope.tried = nil
	default:
		w.scope.since = all
	}
	return nil
}

// repeats returns an error if nothing below paths has changed since the last try, and that rests or was given up. When its
// pause is over, the run is the next try.
func (w *watch) repeats(run *Run, paths git.PathPatterns) error {
	last := w.scope.tried
	if last == nil {
		return nil
	}
	if w.scope.since = paths.Select(w.scope.since); len(w.scope.since) > 0 {
		return nil
	}
	run.Attempt, run.Failures = last.Run.Attempt+1, last.Run.Failures
	if w.task.gaveUp(&last.Run) || (RefState{Run: &last.Run, Retry: last.Retry}).pausing(time.Now()) {
		run.Attempt = last.Run.Attempt
		return &repeatedError{*last}
	}
	w.scope.tried = nil // which this one takes the place of
	return nil
}

// repeatedError says that a revision was tried already, at another one.
type repeatedError struct{ tried }

func (e *repeatedError) Error() string {
	return fmt.Sprintf("action %s: %s at %.7s, from which nothing differs below paths", e.Run.Action, e.Run.Reason, e.Run.Revision.SHA)
}
