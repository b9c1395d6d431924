package poller

import (
	"context"
	"strings"
)

// The Reasons of runs that succeeded without an action, beside NothingToRun.
const (
	SkippedOnRequest = "skipped on request"
	PushedByItself   = "pushed by kitops itself: not run again"
)

// Idle tells whether a run succeeded without an action.
func (r Run) Idle() bool {
	return r.Outcome == Success && (r.Reason == NothingToRun || r.passedOver())
}

// passedOver tells whether a revision was applied without a run although it has something to run.
func (r Run) passedOver() bool { return r.Reason == SkippedOnRequest || r.Reason == PushedByItself }

// skips tells whether a commit message asks for that.
func skips(message string) bool {
	message = strings.ToLower(message)
	return strings.Contains(message, "[skip kitops]") || strings.Contains(message, "[skip ci]")
}

// passedOver says why a revision is applied without a run, "" for none. What somebody has asked for runs.
func (w *watch) passedOver(ctx context.Context, run Run, dir string) (why string, err error) {
	if w.scope.order {
		return "", nil
	}
	if w.task.Rules.SkipCI {
		err := w.insist(ctx, run.Revision, dir, func() error {
			ctx, done := w.tellProgress(ctx, run)
			defer done()
			text, err := w.source(run).Text(ctx, run.Revision)
			w.made = madeOf(text)
			if skips(text.Message) {
				why = SkippedOnRequest
			}
			return err
		})
		if err != nil || why != "" {
			return why, err
		}
	}
	if w.task.Pushed == nil || w.task.Rules.RunOwn {
		return "", nil
	}
	own, err := w.task.Pushed(ctx, run.Revision)
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case err != nil: // what goes round meanwhile ends when it is known again
		w.noteOnce(run, "it is not known who has pushed it: "+plainly(err)+"; it runs")
		return "", nil
	case !own:
		return "", nil
	}
	w.noteOnce(run, "an action has pushed it with its github_token: it does not run again, lest it runs for ever; own_pushes: run has such commits run")
	return PushedByItself, nil
}

// noteOnce tells people of the task what they hear once, also of runs beside its watch.
func (w *watch) noteOnce(run Run, text string) {
	of := w
	if w.main != nil {
		of = w.main
	}
	w.p.mu.Lock()
	known := of.noted[text]
	if of.noted == nil {
		of.noted = map[string]bool{}
	}
	of.noted[text] = true
	w.p.mu.Unlock()
	if !known {
		w.tell(Event{Kind: Noticed, Run: run, Reason: text})
	}
}
