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

	acted bool // there was an action to run
}

// noSHA stands for "no revision yet", as Git writes it: as many zeros as the
// names of the repository have digits.
func noSHA(of string) string { return strings.Repeat("0", len(of)) }

const (
	saveWait    = time.Second // before a failed save is tried again, doubled
	maxSaveWait = time.Minute
)

// timeoutError ends what took longer than a run may.
type timeoutError struct{ after time.Duration }

func (e timeoutError) Error() string { return fmt.Sprintf("out of time after %s", e.after) }

// run takes one revision from its saved start to its saved outcome. Nobody
// hears that it has finished before that is saved. The error is that of
// saving; how the run itself went is in Run.
func (w *watch) run(ctx context.Context, rev git.Revision) (Run, error) {
	run, err := w.start(ctx, rev)
	if err != nil {
		return run, err
	}
	w.tell(Event{Kind: Started, Run: run})
	dir := w.p.workdir(w.task, run)
	run = w.perform(ctx, run, dir)
	retry, err := w.settle(ctx, run)
	if err == nil {
		w.tell(Event{Kind: Finished, Run: run, Next: retry})
	}
	w.p.leave(w.task, run, dir)
	w.sweep(ctx)
	return run, err
}

// sweep removes what is left over, and tells what cannot be removed.
func (w *watch) sweep(ctx context.Context) {
	if err := w.p.sweep(ctx); err != nil {
		w.tell(Event{Kind: Troubled, Err: err})
	}
}

// start saves that the run starts. The time of the next try is saved with it,
// so that a crash counts as a failed try.
func (w *watch) start(ctx context.Context, rev git.Revision) (Run, error) {
	now := stamp()
	run := Run{
		ID: newRunID(now), Task: w.task.Name, Revision: rev,
		Started: now, Outcome: Pending,
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

// perform fetches, checks out and runs the actions in order, until one fails.
func (w *watch) perform(ctx context.Context, run Run, dir string) Run {
	timed, cancel := actions.WithTimeout(ctx, w.task.Timeout, timeoutError{w.task.Timeout})
	defer cancel()
	outcome, err := w.attempt(timed, &run, dir)
	run.Finished = stamp()
	run.Outcome = outcome
	switch {
	case outcome == Success:
		run.Action = ""
	case ctx.Err() != nil:
		run.Outcome, run.Reason = Error, "interrupted by the end of kitops, will run again"
	case errors.Is(err, git.ErrMoved):
		w.moved, run.Reason = true, err.Error()
	default:
		run.Reason = err.Error()
	}
	return run
}

func (w *watch) attempt(ctx context.Context, run *Run, dir string) (Outcome, error) {
	if err := w.checkout(ctx, run.Revision, dir); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return Error, err
	}
	plan, err := w.task.Plan(dir, run.Revision)
	if err != nil {
		return Error, err
	}
	if plan.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = actions.WithTimeout(ctx, plan.Timeout, timeoutError{plan.Timeout})
		defer cancel()
	}
	for _, action := range plan.Actions {
		run.Action = action.Name
		w.acts(ctx, run)
		w.tell(Event{Kind: ActionStarted, Run: *run})
		err := w.act(ctx, action, *run, dir)
		var exit *exec.ExitError
		var timeout timeoutError
		var left *actions.LeftError
		if errors.As(err, &left) {
			w.tell(Event{Kind: Troubled, Run: *run, Err: left})
		}
		switch {
		case err == nil:
		case errors.As(err, &timeout):
			return Failure, timeout
		case errors.As(err, &exit):
			return Failure, exit
		default:
			return Error, err
		}
	}
	return Success, nil
}

// acts notes that a run has something to do, for a task that reports only such runs.
func (w *watch) acts(ctx context.Context, run *Run) {
	if run.acted || !w.task.ReportActs {
		return
	}
	run.acted = true
	if err := w.mem.save(ctx, func(s State) State { return w.task.started(s, *run) }); err != nil {
		w.tell(Event{Kind: Troubled, Err: err})
	}
	w.outbox.kick(ctx, w.mem.state)
}

func (w *watch) checkout(ctx context.Context, rev git.Revision, dir string) error {
	if err := w.p.makeWorkdir(dir); err != nil {
		return err
	}
	if w.task.Keep {
		if err := checkKept(dir); err != nil {
			return err
		}
	}
	return w.task.Checkout(ctx, rev, dir)
}

func (w *watch) act(ctx context.Context, action actions.Action, run Run, dir string) error {
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

// settle saves the outcome and, after success, the applied revision in one
// write. It insists, since forgetting what was done means doing it again.
func (w *watch) settle(ctx context.Context, run Run) (retry time.Time, err error) {
	switch {
	case run.Outcome == Success:
	case ctx.Err() != nil: // like a crash: the start counts
		retry = run.Started.Add(pause(w.task.Interval, run.Attempt))
	default:
		retry = run.Finished.Add(pause(w.task.Interval, run.Attempt))
	}
	for wait := saveWait; ; wait = min(2*wait, maxSaveWait) {
		err = w.mem.save(ctx, func(s State) State {
			return w.task.ended(s.with(run.Revision.Ref, func(r *RefState) {
				saved := run
				r.Run, r.Group, r.Retry = &saved, nil, retry
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

// stamp is now, as finely as a person who reads the state wants it.
func stamp() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// newRunID returns an identifier that sorts by time and is unique without a
// memory, fit for file names and environments.
func newRunID(now time.Time) string {
	return now.Format("20060102t150405") + "-" + strings.ToLower(rand.Text()[:10])
}
