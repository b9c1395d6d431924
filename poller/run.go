package poller

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os/exec"
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
	Before   string       `yaml:"before,omitempty"`   // the revision that was run before this one, however that ended
	Attempt  int          `yaml:"attempt"`            // 1 for the first try at this revision
	Started  time.Time    `yaml:"started"`
	Finished time.Time    `yaml:"finished,omitempty"`
	Outcome  Outcome      `yaml:"outcome"`
	Action   string       `yaml:"action,omitempty"` // the one that runs, or that ended the run
	Reason   string       `yaml:"reason,omitempty"` // why it ended so, unless it succeeded

	Took    time.Duration `yaml:"took,omitempty"`    // by a clock that nobody sets
	Actions string        `yaml:"actions,omitempty"` // the Actions of the task that it runs
	Paths   string        `yaml:"paths,omitempty"`   // a digest of the task's paths
	Mistake string        `yaml:"mistake,omitempty"` // the Digest of the task for which the revision itself is wrong

	Cancelled  string `yaml:"cancelled,omitempty"`  // by whom
	Failures   int    `yaml:"failures,omitempty"`   // tries at this revision, this one included, that ended in a failure
	GaveUp     bool   `yaml:"gave_up,omitempty"`    // it was the last of them
	Tag        string `yaml:"tag,omitempty"`        // the object of the annotated tag that was run
	Pull       *Pull  `yaml:"pull,omitempty"`       // the pull request that was run
	TagName    string `yaml:"tag_name,omitempty"`   // of the tag that is at the revision, "" where that was pinned and nobody knows
	Moved      string `yaml:"moved,omitempty"`      // where the tag was before
	Superseded string `yaml:"superseded,omitempty"` // the newer head that ended it
	Gone       bool   `yaml:"gone,omitempty"`       // its ref was gone before its end
	Unchanged  string `yaml:"unchanged,omitempty"`  // where nothing has changed, so that there was nothing to run: "below api/"

	Waits      string `yaml:"waits,omitempty"`       // what it waits for, or waited for when its ref went another way; "": it has started
	Foreign    bool   `yaml:"foreign,omitempty"`     // a stranger has written it
	Signer     string `yaml:"signer,omitempty"`      // who signed the revision; "": nobody asked
	ApprovedBy string `yaml:"approved_by,omitempty"` // who approved of the revision; "": it needs nobody

	Held string `yaml:"held,omitempty"` // what somebody has ordered of its branch: "pinned by anna"; "" for nothing

	acted   bool   // there was an action to run
	resumes bool   // the revision's last run was cut off, and its start is told like that of a first try
	refused bool   // nothing of it may run
	same    bool   // as the last try of its ref, and so nothing of it was run
	told    bool   // it was told of as waiting
	comment string // that it has written for pull requests
	began   time.Time
	rest    time.Duration // at least, before the next try
}

// Vouched says who stands for the revision: ", signed by anna, approved by bob"; "" where nobody has to.
func (r Run) Vouched() (text string) {
	if r.Signer != "" {
		text += ", signed by " + r.Signer
	}
	if r.ApprovedBy != "" {
		text += ", approved by " + r.ApprovedBy
	}
	return text
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
	w.moved, w.parked, w.groups, w.scope, w.made = false, nil, nil, scope{}, made{}
	now := stamp()
	run := Run{
		ID: newRunID(now), Task: w.task.Name, Revision: rev,
		Started: now, Outcome: Pending, Actions: w.task.Actions, Paths: digestOf(w.task.Paths), began: time.Now(),
	}
	if w.task.TagObject != nil {
		run.Tag = w.task.TagObject(rev)
	}
	run.Foreign = w.strange
	id := run.ID
	pinned := w.mem.State.Refs[rev.Ref].Pinned
	var booked *Parked
	if w.p.Parks != nil {
		booked = w.takeParked(ctx, rev.Ref)
	}
	err := w.mem.Save(ctx, func(s State) State {
		r := s.Refs[rev.Ref]
		closed := !w.task.Rules.Windows.open(now) && !r.anyway() || w.task.Rules.Approve && !r.approved(rev.SHA)
		if w.forbidden = closed || s.holds(rev, now) || !w.task.admits(r, rev, w.strange) || !samePin(pinned, r.Pinned); w.forbidden {
			return s
		}
		s = verdictOnNothing(w.task, s).state
		s.NextPoll, s.Identity = w.nextPoll(), cmp.Or(w.identity, s.Identity)
		start, _ := s.Remembered.sha(rev.Ref)
		form := w.task.formOf(s, rev.SHA)
		run.ID, w.former = id, s.Refs
		s = s.start(w.task, &run)
		s = s.with(rev.Ref, func(r *RefState) {
			run.Attempt, run.Failures = 1, 0
			if r.Order == nil && r.Run != nil && r.Run.Revision.SHA == rev.SHA && r.Run.Outcome != Success {
				run.Attempt, run.Failures = r.Run.Attempt+1, r.Run.Failures
			}
			run.Previous, run.Before, w.scope = r.Applied, r.before(rev), w.task.scopeOf(*r)
			w.parked, r.Parked = cmp.Or(booked, r.Parked), nil
			r.owe(w.scope)
			r.Tried = w.task.triedBefore(*r, rev)
			w.scope.tried = r.Tried
			w.pinned, run.Held = r.Pinned != nil, r.Pinned.brief()
			if run.resumes = false; r.Run == nil || r.Run.Revision.SHA != rev.SHA {
				if !run.told {
					r.ReportAs = form
				}
			} else if run.resumes = r.ReportAs != "" && r.Run.Interrupted(); run.resumes {
				r.Reported = ""
			}
			r.place(w.task, &run, start)
			if run.ApprovedBy = ""; r.Approved != nil && r.Approved.SHA == rev.SHA {
				run.ApprovedBy = r.Approved.By
			}
			if run.Foreign {
				r.Approved = r.Approved.usedBy(run.ID)
			}
			saved := run
			r.Run, r.Group, r.Order = &saved, nil, nil
			r.Retry = now.Add(w.task.restFor(run.Attempt))
			if run.Attempt == 1 || run.told {
				r.Reported = ""
			}
		})
		return w.task.started(s, run)
	})
	w.outbox.begins(run.ID)
	w.outbox.kick(ctx, &w.mem)
	return run, err
}

// before is the revision that was run before another one.
func (r *RefState) before(rev git.Revision) string {
	switch {
	case r.Run == nil:
		return r.Applied
	case r.Run.Revision.SHA != rev.SHA:
		return r.Run.Revision.SHA
	}
	return r.Run.Before
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

// act runs the actions in order, until one fails. Patient is ctx without cancellations. What is reported of them outlives the run, but not the agent.
func (w *watch) act(agent, ctx, patient context.Context, run *Run, plan Plan, dir string, out *output) error {
	if plan.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = actions.WithTimeout(ctx, plan.Timeout, timeoutError{plan.Timeout})
		defer cancel()
		patient, cancel = actions.WithTimeout(patient, plan.Timeout, timeoutError{plan.Timeout})
		defer cancel()
	}
	for _, action := range plan.Actions {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		run.Action = action.Name
		w.announceRun(agent, ctx, run)
		within := ctx
		if action.CancelAfter {
			within = patient
		}
		if err := w.runAction(within, action, *run, dir, out, nil); err != nil {
			return brief(err)
		}
	}
	return nil
}

// brief is the part of an action's error that says how it ended.
func brief(err error) error {
	var exit *exec.ExitError
	var timeout timeoutError
	var size sizeError
	var limit *actions.LimitError
	switch {
	case errors.As(err, &timeout):
		return timeout
	case errors.As(err, &size):
		return size
	case errors.As(err, &limit):
		return limit
	case errors.As(err, &exit):
		return exit
	}
	return err
}

// announceRun reports a run that has something to do, for a task that reports only such runs.
func (w *watch) announceRun(agent, ctx context.Context, run *Run) {
	if run.acted || !w.task.Brings {
		return
	}
	run.acted = true
	if err := w.mem.Save(ctx, func(s State) State { return w.task.started(s, *run) }); err != nil {
		w.tell(Event{Kind: Troubled, Err: err})
	}
	w.outbox.kick(agent, &w.mem)
}

// stamp is now, as finely as a person who reads the state wants it.
func stamp() time.Time { return stampOf(time.Now()) }

func stampOf(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// newRunID returns an identifier that sorts by time and is unique without a
// memory, fit for file names and environments.
func newRunID(now time.Time) string {
	return now.Format("20060102t150405") + "-" + strings.ToLower(rand.Text()[:10])
}
