package poller

import (
	"context"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/git"
)

// Task is what to watch and what to do when it moves.
type Task struct {
	Name     string       // unique; names the memory
	URL      string       // of the repository, without credentials; another URL starts with an empty memory
	Refs     git.Patterns // which refs of the repository
	RunNew   bool         // run, rather than remember, what a pattern matches at its first look
	Found    bool         // found rather than configured: all of its first look is remembered, and its memory ends with it
	ID       string       // what Identity will return, if known; another one starts with an empty memory
	Formerly string       // a task that is gone, whose memory of the same ID is this one's: the repository was renamed
	Interval time.Duration
	Timeout  time.Duration // of one run: fetch and all actions
	Keep     bool          // a ref's workdir is kept from run to run, for Checkout to bring up to date

	// Heads asks the remote where the refs are. It returns git.ErrEmpty for a repository without refs.
	Heads func(ctx context.Context, refs git.Patterns) ([]git.Revision, error)
	// Checkout writes the revision into dir, which does not exist before unless it is kept. It
	// returns git.ErrMoved when the remote no longer has the revision.
	Checkout func(ctx context.Context, rev git.Revision, dir string) error
	// Plan tells what to do with the revision that is checked out in dir.
	// An error that is *[MistakeError] is one of the revision itself.
	Plan func(ctx context.Context, dir string, rev git.Revision) (Plan, error)

	// Identity returns what the host calls the repository whatever its name,
	// given what it called it before ("" at first). It is asked before a run, and
	// its error keeps the run from starting. It may be nil.
	Identity func(ctx context.Context, known string) (string, error)
	// Pace is the shortest interval that the host bears. It may be nil.
	Pace func() time.Duration
	// Grant returns variables for an action that asks for a token, and what takes
	// them back when the action has ended. It may be nil.
	Grant func(ctx context.Context, action actions.Action) (vars []string, revoke func(), err error)
	// ReportTo is where the Reporter tells of the runs, in its own terms; "" is nowhere.
	ReportTo string
	// Brings says that the revision brings its Plan: a run is reported once that has shown
	// something to do, and one without is reported as nothing to run.
	Brings bool
	// Silent says not to report runs that had nothing to do.
	Silent bool

	Actions string // a digest of what Plan returns, "" where the revision brings it
	Digest  string // of the configuration: Set leaves a task with an equal digest alone
}

// Plan is what to do with a revision.
type Plan struct {
	Actions []actions.Action // in order
	Timeout time.Duration    // for them, if shorter than what is left of the task's; 0: none of its own
}

// MistakeError is a mistake that was made in the revision itself. It is not tried
// again until the head moves or the task is changed.
type MistakeError struct{ Err error }

func (e *MistakeError) Error() string { return e.Err.Error() }

// Unwrap returns the mistake.
func (e *MistakeError) Unwrap() error { return e.Err }

// PassingError is a failure that may be over in a moment, such as the outage of
// a server. It says nothing of the revision.
type PassingError struct{ Err error }

func (e *PassingError) Error() string { return e.Err.Error() }

// Unwrap returns the failure.
func (e *PassingError) Unwrap() error { return e.Err }

// LaterError is a failed look that is to be repeated at a time the host named,
// such as the end of a rate limit. It says nothing of the repository.
type LaterError struct {
	At  time.Time
	Err error
}

func (e *LaterError) Error() string { return e.Err.Error() }
func (e *LaterError) Unwrap() error { return e.Err }
