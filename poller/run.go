package poller

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/git"
)

// Run is one execution of a task on a revision.
type Run struct {
	ID       string       `yaml:"id"`
	Task     string       `yaml:"-"`
	Revision git.Revision `yaml:"revision"`
	Previous string       `yaml:"previous,omitempty"` // the last revision that succeeded before this run
	Attempt  int          `yaml:"attempt"`            // 1 for the first try at this revision
	Started  time.Time    `yaml:"started"`
	Finished time.Time    `yaml:"finished,omitempty"`
	Outcome  Outcome      `yaml:"outcome"`
	Action   string       `yaml:"action,omitempty"` // the one that runs, or that ended the run
	Reason   string       `yaml:"reason,omitempty"` // why it ended so, unless it succeeded

	Took    time.Duration `yaml:"took,omitempty"`    // by a clock that nobody sets
	Actions string        `yaml:"actions,omitempty"` // the Actions of the task that it runs
	Mistake string        `yaml:"mistake,omitempty"` // the Digest of the task for which the revision itself is wrong

	acted bool // there was an action to run
	began time.Time
}

// Duration is how long the run took, 0 while it has not finished.
func (r Run) Duration() time.Duration {
	if r.Took > 0 {
		return r.Took
	}
	return max(0, r.Finished.Sub(r.Started)) // of an older kitops, or cut off
}

// noSHA stands for "no revision yet", as Git writes it: as many zeros as the
// names of the repository have digits.
func noSHA(of string) string { return strings.Repeat("0", len(of)) }

// timeoutError ends what took longer than a run may.
type timeoutError struct{ after time.Duration }

func (e timeoutError) Error() string { return fmt.Sprintf("out of time after %s", e.after) }

// saveStart saves that the run starts. The time of the next try is saved with it,
// so that a crash counts as a failed try.
func (w *watch) saveStart(ctx context.Context, rev git.Revision) (Run, error) {
	w.moved, w.parked, w.groups = false, nil, nil
	now := stamp()
	run := Run{
		ID: newRunID(now), Task: w.task.Name, Revision: rev,
		Started: now, Outcome: Pending, Actions: w.task.Actions, began: time.Now(),
	}
	err := w.mem.save(ctx, func(s State) State {
		s = verdictOnNothing(w.task, s).state
		s.NextPoll, s.Identity = w.nextPoll(), cmp.Or(w.identity, s.Identity)
		s = s.with(rev.Ref, func(r *RefState) {
			run.Attempt = 1
			if r.Run != nil && r.Run.Revision.SHA == rev.SHA && r.Run.Outcome != Success {
				run.Attempt = r.Run.Attempt + 1
			}
			run.Previous = r.Applied
			w.parked, r.Parked = r.Parked, nil
			saved := run
			r.Run, r.Group = &saved, nil
			r.Retry = now.Add(pause(w.task.Interval, run.Attempt))
			if run.Attempt == 1 {
				r.Reported = ""
			}
		})
		return w.task.started(s, run)
	})
	w.outbox.kick(ctx, w.mem.state)
	return run, err
}

// plan asks what to do with a revision. It does not wait longer than the run lasts.
func (w *watch) plan(ctx context.Context, run Run, dir string) (Plan, error) {
	type answer struct {
		plan Plan
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		var a answer
		a.err = bug.Catch(func() (err error) {
			a.plan, err = w.task.Plan(ctx, dir, run.Revision)
			return err
		})
		answered <- a
	}()
	select {
	case a := <-answered:
		return a.plan, a.err
	case <-ctx.Done():
		return Plan{}, context.Cause(ctx)
	}
}

// act runs the actions in order, until one fails.
func (w *watch) act(ctx context.Context, run *Run, plan Plan, dir string) error {
	if plan.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = actions.WithTimeout(ctx, plan.Timeout, timeoutError{plan.Timeout})
		defer cancel()
	}
	for _, action := range plan.Actions {
		run.Action = action.Name
		w.announceRun(ctx, run)
		w.tell(Event{Kind: ActionStarted, Run: *run})
		err := w.runAction(ctx, action, *run, dir)
		var left *actions.LeftError
		if errors.As(err, &left) {
			w.tell(Event{Kind: Troubled, Run: *run, Err: left})
		}
		if err != nil {
			return brief(err)
		}
	}
	return nil
}

// brief is the part of an action's error that says how it ended.
func brief(err error) error {
	var exit *exec.ExitError
	var timeout timeoutError
	switch {
	case errors.As(err, &timeout):
		return timeout
	case errors.As(err, &exit):
		return exit
	}
	return err
}

// announceRun reports a run that has something to do, for a task that reports only such runs.
func (w *watch) announceRun(ctx context.Context, run *Run) {
	if run.acted || !w.task.Brings {
		return
	}
	run.acted = true
	if err := w.mem.save(ctx, func(s State) State { return w.task.started(s, *run) }); err != nil {
		w.tell(Event{Kind: Troubled, Err: err})
	}
	w.outbox.kick(ctx, w.mem.state)
}

// runAction runs one action, and saves which group it is.
func (w *watch) runAction(ctx context.Context, action actions.Action, run Run, dir string) error {
	out := actions.Lines(actions.OutputLimit, func(line string) {
		w.tell(Event{Kind: Output, Run: run, Line: line})
	})
	defer out.Close()
	vars := w.vars(run)
	if w.task.Grant != nil {
		granted, revoke, err := w.task.Grant(ctx, action)
		if err != nil {
			return fmt.Errorf("get a token for the action: %w", err)
		}
		defer revoke()
		vars = append(vars, granted...)
	}
	return action.Run(ctx, actions.Options{
		Dir:       dir,
		Environ:   w.p.Environ,
		Vars:      vars,
		Out:       out,
		User:      w.p.User,
		Kill:      w.p.Kill,
		Processes: w.p.Processes,
		Started: func(g actions.Group) {
			w.groups = append(w.groups, g)
			err := w.mem.save(ctx, func(s State) State {
				return s.with(run.Revision.Ref, func(r *RefState) { r.Group, r.Run.Action = &g, run.Action })
			})
			if err != nil {
				w.tell(Event{Kind: Troubled, Err: err})
			}
		},
	})
}

// vars are the variables that every action gets.
func (w *watch) vars(run Run) []string {
	previous := run.Previous
	if previous == "" {
		previous = noSHA(run.Revision.SHA)
	}
	return []string{
		"KITOPS_SHA=" + run.Revision.SHA,
		"KITOPS_LAST_SUCCESSFUL_SHA=" + previous,
		"KITOPS_REF=" + run.Revision.Ref,
		"KITOPS_REF_NAME=" + run.Revision.Name(),
		"KITOPS_REPOSITORY_URL=" + w.task.URL,
		"KITOPS_TASK_NAME=" + run.Task,
		"KITOPS_ACTION_NAME=" + run.Action,
		"KITOPS_RUN_ID=" + run.ID,
		"KITOPS_RUN_ATTEMPT=" + strconv.Itoa(run.Attempt),
	}
}

// stamp is now, as finely as a person who reads the state wants it.
func stamp() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// newRunID returns an identifier that sorts by time and is unique without a
// memory, fit for file names and environments.
func newRunID(now time.Time) string {
	return now.Format("20060102t150405") + "-" + strings.ToLower(rand.Text()[:10])
}
