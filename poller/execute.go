package poller

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/bug"
)

// afterwards is the time for all that runs after the actions of a run.
const afterwards = time.Minute

// execute brings the revision into dir, runs its actions, and what runs after them. It returns
// how the run has ended.
func (w *watch) execute(ctx, leased context.Context, run Run, dir string) (Run, error) {
	timed, cancel := actions.WithTimeout(leased, w.task.Timeout, timeoutError{w.task.Timeout})
	defer cancel()
	w.ends = time.Now().Add(w.task.Timeout)
	within, stop := w.cancellable(timed, run)
	defer stop()
	var plan Plan
	var out *output
	guarded, forget := func() {}, func() {}
	ended := bug.Catch(func() error {
		something, err := w.ready(within, &run, &plan, dir)
		if err != nil || !something {
			return err
		}
		if guarded, err = w.startGuard(leased, run); err != nil {
			guarded = func() {}
			return err
		}
		if out, err = w.newOutput(plan, dir); err != nil {
			return err
		}
		if out.vars, forget, err = w.eventFile(within, run, dir); err != nil {
			return err
		}
		home, err := w.house(run, dir)
		if err != nil {
			return err
		}
		out.vars = append(out.vars, home...)
		return w.act(ctx, within, timed, &run, plan, dir, out)
	})
	defer guarded()
	defer func() { out.remove(); w.removeChanged() }()
	defer func() { forget() }()
	ended = w.orLost(orCancelled(within, ended))
	exit := exitCode(ended)
	run = w.conclude(ctx, run, ended)
	if out != nil && leased.Err() == nil && run.acts(plan) {
		w.runAfter(leased, run, plan, dir, out, exit)
	}
	w.bury(ctx, run)
	if out != nil && leased.Err() == nil && w.task.CommentTo != "" {
		run.comment = w.readComment(run, dir, out)
	}
	return run, ended
}

// ready brings the revision into dir and learns what to do with it, or that there is nothing to do.
func (w *watch) ready(ctx context.Context, run *Run, plan *Plan, dir string) (something bool, err error) {
	if err = w.refusal(*run); err == nil {
		err = w.askPull(ctx, run)
	}
	if err == nil {
		err = w.verified(ctx, *run, dir)
		run.Signer = w.signer
	}
	if err != nil {
		return false, err
	}
	if w.scope.passed, err = w.passedOver(ctx, *run, dir); err != nil || w.scope.passed != "" {
		return false, err
	}
	if nothing, err := w.unchanged(ctx, run, dir); err != nil || nothing {
		return false, err
	}
	if err := w.checkout(ctx, *run, dir); err != nil {
		return false, err
	}
	if err := w.askBase(ctx, run, dir); err != nil {
		return false, err
	}
	known, err := w.plan(ctx, *run, dir)
	if err != nil {
		return false, err
	}
	if nothing, err := w.limit(ctx, run, dir, known); err != nil || nothing {
		return false, err
	}
	*plan = known
	return true, nil
}

// acts tells whether there is something to do after a run.
func (r Run) acts(plan Plan) bool {
	return len(plan.Always) > 0 || len(plan.OnFailure) > 0 && r.Outcome != Success
}

// runAfter runs what a plan has for the time after its actions. It changes nothing of how the run has
// ended. Cancelling the run once more, and the end of kitops, end it.
func (w *watch) runAfter(leased context.Context, run Run, plan Plan, dir string, out *output, exit string) {
	within, stop := w.cancellable(leased, Run{ID: run.ID})
	defer stop()
	ctx, cancel := actions.WithTimeout(within, w.p.seconds(int(afterwards/time.Second)), timeoutError{afterwards})
	defer cancel()
	file, err := out.hand(w.p.userOf(run))
	if err != nil {
		w.tell(Event{Kind: Troubled, Run: run, Err: err})
	}
	vars := []string{
		"KITOPS_OUTCOME=" + string(run.Outcome),
		"KITOPS_FAILED_ACTION=" + run.Action,
		"KITOPS_EXIT_CODE=" + exit,
		"KITOPS_REASON=" + run.Reason,
		"KITOPS_LOG_FILE=" + file,
	}
	lists := []struct {
		key     string
		actions []actions.Action
	}{{"on_failure", plan.OnFailure}, {"always", plan.Always}}
	if run.Outcome == Success {
		lists = lists[1:]
	}
	doing := run
	doing.Outcome, doing.Reason, doing.Finished, doing.Took = Pending, "", time.Time{}, 0
	for _, list := range lists {
		for _, action := range list.actions {
			doing.Action = action.Name
			err := bug.Catch(func() error { return w.runAction(ctx, action, doing, dir, out, vars) })
			if err != nil {
				w.tell(Event{Kind: Troubled, Run: run, Err: fmt.Errorf("%s: action %s: %w", list.key, action.Name, brief(err))})
				break
			}
		}
	}
}

// exitCode is what the action that failed has exited with; "" where it was stopped or not started.
func exitCode(ended error) string {
	var exit *exec.ExitError
	switch {
	case ended == nil:
		return "0"
	case errors.As(ended, &exit) && exit.Exited():
		return strconv.Itoa(exit.ExitCode())
	}
	return ""
}
