package api

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/history"
)

// Tasks is how every task stands that who asks may see.
func (a *API) Tasks(ctx context.Context) ([]poller.Standing, error) {
	all, err := a.Standings(ctx)
	return slices.DeleteFunc(all, func(s poller.Standing) bool { return !sees(ctx, s.Task) }), err
}

// Task is how one of them stands. The error is a *[Problem] where there is none.
func (a *API) Task(ctx context.Context, name string) (poller.Standing, error) {
	if !sees(ctx, name) {
		return poller.Standing{}, unknownTask(name)
	}
	if a.Standing == nil {
		all, err := a.Tasks(ctx)
		if err != nil {
			return poller.Standing{}, err
		}
		if i := slices.IndexFunc(all, func(s poller.Standing) bool { return s.Task == name }); i >= 0 {
			return all[i], nil
		}
		return poller.Standing{}, unknownTask(name)
	}
	s, known, err := a.Standing(ctx, name)
	if err == nil && !known {
		err = unknownTask(name)
	}
	return s, err
}

// PollNow polls a task now.
func (a *API) PollNow(ctx context.Context, task string) (Ordered, error) {
	if err := permitted(ctx, task); err != nil {
		return Ordered{}, err
	}
	if !a.Poll(task) {
		return Ordered{}, unknownTask(task)
	}
	return Ordered{"poll", "polls now"}, nil
}

// List lists the runs that who asks may see. The error is a *[Problem] where the history is off.
func (a *API) List(ctx context.Context, f history.Filter) (Runs, error) {
	kept, err := a.kept()
	if err != nil {
		return Runs{}, err
	}
	if f.Before != "" {
		if _, err := a.Run(ctx, f.Before); err != nil {
			return Runs{}, err
		}
	}
	f.Visible = func(task string) bool { return sees(ctx, task) }
	return List(ctx, kept, f)
}

// Run is one run with its actions. The error is a *[Problem] where there is none.
func (a *API) Run(ctx context.Context, id string) (Run, error) {
	kept, err := a.kept()
	if err != nil {
		return Run{}, err
	}
	run, err := Show(ctx, kept, id)
	if err == nil && !sees(ctx, run.Task) {
		return Run{}, unknownRun(id)
	}
	return run, err
}

// Output opens what a run printed. The error is a *[Problem] where there is nothing.
func (a *API) Output(ctx context.Context, id string) (*history.Output, error) {
	if _, err := a.Run(ctx, id); err != nil {
		return nil, err
	}
	out, err := a.History.Output(ctx, id)
	return out, missing(err)
}

// Remove removes what a run printed, here and where it was shown.
func (a *API) Remove(ctx context.Context, id string) (Ordered, error) {
	run, err := a.Run(ctx, id)
	if err == nil {
		err = permitted(ctx, run.Task)
	}
	if err == nil {
		err = missing(a.History.Remove(ctx, id, by(ctx)))
	}
	if err == nil && a.Withdraw != nil {
		if failed := a.Withdraw(ctx, run.Run, by(ctx)); failed != nil {
			err = problem(http.StatusBadGateway, "what run %s printed is removed here, but GitHub still shows what its check run has of it: %s; delete it once more", id, failed)
		}
	}
	return Ordered{"delete", "what run " + id + " printed is removed"}, err
}

// Give gives an order about a task. The error is a *[Problem] where that cannot be.
func (a *API) Give(ctx context.Context, task, what string, body Order) (Ordered, error) {
	if err := permitted(ctx, task); err != nil {
		return Ordered{}, err
	}
	o := poller.Order{What: what, By: by(ctx), Person: CallerOf(ctx).Person, Ref: body.Ref, SHA: body.SHA, Reason: body.Reason, After: body.After, Anyway: body.Anyway}
	if body.Until != nil {
		o.Until = *body.Until
	}
	if what == poller.Pin && body.SHA == "" {
		return Ordered{}, problem(http.StatusBadRequest, "a pin needs a sha")
	}
	if body.SHA != "" && a.History != nil {
		var err error
		if o.Known, err = a.History.Revisions(ctx, task, body.SHA); err != nil {
			a.Log.Warn("the history cannot be asked what has run", "err", err)
		}
	}
	why, err := a.Order(ctx, task, o)
	return Ordered{what, why}, refused(err)
}

// Stop ends a run as a timeout would. The error is a *[Problem] where that cannot be.
func (a *API) Stop(ctx context.Context, id string) (Ordered, error) {
	if err := a.mayStop(ctx, id); err != nil {
		return Ordered{}, err
	}
	why, err := a.Cancel(ctx, id, by(ctx))
	var no *poller.RefusedError
	if errors.As(err, &no) && no.Unknown && a.History != nil {
		if run, known := a.History.Run(ctx, id); known == nil {
			err = problem(http.StatusConflict, "run %s has ended: %s", id, run.Outcome)
		}
	}
	return Ordered{poller.Cancel, why}, refused(err)
}

// mayStop finds the task of a run among what runs: the history may be off.
func (a *API) mayStop(ctx context.Context, id string) error {
	if c := CallerOf(ctx); c.Sees == nil && c.Orders == nil {
		return nil
	}
	all, err := a.Tasks(ctx)
	if err != nil {
		return err
	}
	for _, s := range all {
		if slices.ContainsFunc(s.Refs, func(r poller.RefStanding) bool { return r.Run == id }) {
			return permitted(ctx, s.Task)
		}
	}
	run, err := a.Run(ctx, id)
	if err != nil {
		return unknownRun(id)
	}
	return permitted(ctx, run.Task)
}

func unknownRun(id string) error { return problem(http.StatusNotFound, "no run %q in the history", id) }
