package poller

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/bittrance/kitops/actions"
)

// runAction runs one action, and saves which group it is. The variables more come to those of the run.
func (w *watch) runAction(ctx context.Context, action actions.Action, run Run, dir string, to *output, more []string) error {
	w.tell(Event{Kind: ActionStarted, Run: run})
	action = w.bereave(action, run)
	vars := slices.Concat(w.vars(run), w.changedVars(), w.signerVars(), to.vars, more)
	granted := Granted{}
	if w.task.Grant != nil && !run.Foreign {
		var err error
		if granted, err = w.task.Grant(ctx, action); err != nil {
			return err
		}
		if granted.Revoke != nil {
			defer granted.Revoke()
		}
	}
	w.conceal(to, action, run, granted)
	out := w.writer(to, run)
	defer func() { _ = out.Close() }() // its writers return no error
	limits := w.task.Limits.And(action.Limits)
	if more == nil { // what runs after the actions may be there to clear up
		var stop func()
		ctx, stop = w.watchSize(ctx, run, dir, limits.Workdir)
		defer stop()
	}
	err := action.Run(ctx, actions.Options{
		Dir:       dir,
		Environ:   w.p.Environ,
		Vars:      append(vars, granted.Vars...),
		Out:       out,
		User:      w.p.userOf(run),
		Grace:     w.graceOf(action),
		Kill:      w.p.Kill,
		Limits:    limits,
		Processes: w.p.Processes,
		Started: func(g actions.Group) {
			w.groups = append(w.groups, g)
			w.acting.Store(&g)
			w.guard.Load().Watch(g)
			err := w.mem.Save(ctx, func(s State) State {
				return s.with(run.Revision.Ref, func(r *RefState) { r.Group, r.Run.Action, r.Run.Signer = &g, run.Action, run.Signer })
			})
			if err != nil {
				w.tell(Event{Kind: Troubled, Err: err})
			}
		},
	})
	var left *actions.LeftError
	if errors.As(err, &left) {
		w.tell(Event{Kind: Troubled, Run: run, Err: left})
	}
	return err
}

// vars are the variables that every action gets.
func (w *watch) vars(run Run) []string {
	previous := run.Previous
	if previous == "" {
		previous = noSHA(run.Revision.SHA)
	}
	return append(append(run.tagVars(), run.pullVars()...), []string{
		"KITOPS_SHA=" + run.CheckedOut().SHA,
		"KITOPS_LAST_SUCCESSFUL_SHA=" + previous,
		"KITOPS_REF=" + run.Revision.Ref,
		"KITOPS_REF_NAME=" + run.Revision.Name(),
		"KITOPS_REPOSITORY_URL=" + w.task.URL,
		"KITOPS_TASK_NAME=" + run.Task,
		"KITOPS_ACTION_NAME=" + run.Action,
		"KITOPS_RUN_ID=" + run.ID,
		"KITOPS_RUN_ATTEMPT=" + strconv.Itoa(run.Attempt),
	}...)
}
