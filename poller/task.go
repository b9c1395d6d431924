package poller

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/secret"
)

// Task is what to watch and what to do when it moves.
type Task struct {
	Name     string        // unique; names the memory
	URL      string        // of the repository, without credentials; another URL starts with an empty memory
	Refs     git.Patterns  // which refs of the repository
	Versions *git.Versions // of the tags among them only the highest of these; nil: all of them
	RunNew   bool          // run, rather than remember, what a pattern matches at its first look
	Found    bool          // found rather than configured: all of its first look is remembered, and its memory ends with it
	ID       string        // what Identity will return, if known; another one starts with an empty memory
	Formerly string        // a task that is gone, whose memory of the same ID is this one's: the repository was renamed
	Interval time.Duration
	Timeout  time.Duration  // of one run: fetch and all actions
	Limits   actions.Limits // of the processes of one run
	Keep     bool           // a ref's workdir is kept from run to run, for Checkout to bring up to date

	// Heads asks the remote where the refs are. It returns git.ErrEmpty for a repository without refs.
	Heads func(ctx context.Context, refs git.Patterns) ([]git.Revision, error)
	// Checkout writes the revision into dir, which does not exist before unless it is kept. It
	// returns git.ErrMoved when the remote no longer has the revision.
	Checkout func(ctx context.Context, rev git.Revision, dir string) error
	// TagObject is the object of an annotated tag that Heads has shown at a revision, "" for any other ref. It may be nil.
	TagObject func(rev git.Revision) string
	// PullOf asks what is true now of the pull request that a revision is the head of. It returns git.ErrMoved where the head
	// is another one or the pull request is closed, *[ConflictError] and *[PassingError]. It may be nil.
	PullOf func(ctx context.Context, rev git.Revision) (Pull, error)
	// Prepare makes, from what was moved to git.ParkedPath(dir), a directory of a revision that Checkout
	// will bring to another one, while everything else goes before until hurry is closed. It may be nil.
	Prepare func(ctx context.Context, rev git.Revision, dir string, hurry <-chan struct{}) error
	// Verify tells who signed a revision, which must descend from another one unless that is "". Its error is
	// *git.UnsignedError where nobody did whose signature counts. It may be nil: then anybody's revision runs.
	Verify func(ctx context.Context, rev git.Revision, since string) (git.Signer, error)
	// Keys is a digest of whose signatures count now. It goes with Verify.
	Keys func() string
	// Text is what a revision's commit says. It may be nil where the task has not Rules.SkipCI.
	Text func(ctx context.Context, rev git.Revision) (git.Text, error)
	// Pushed tells whether the task itself has pushed a revision, by a token that an action was granted. It may be nil.
	Pushed func(ctx context.Context, rev git.Revision) (bool, error)
	// Required tells how what the task requires of a revision before it runs stands. Its error keeps the revision
	// waiting. It may be nil.
	Required func(ctx context.Context, rev git.Revision) (Required, error)
	// Paths select what concerns the task: a revision in which nothing of it has changed is applied without a run.
	Paths git.PathPatterns
	// Changes are the paths in which a revision differs from another one, or from where its ref has left a branch, "" for the
	// default one.
	// Its error is *git.DoubtError where that is not known.
	Changes func(ctx context.Context, rev git.Revision, since string) (git.Changed, error)
	// MergeBase is where a revision has left a branch, by its full name. Its error is *git.DoubtError where that is not known.
	// It may be nil.
	MergeBase func(ctx context.Context, rev git.Revision, branch string) (string, error)
	// Trust tells how far a revision that Heads has shown is trusted. It may be nil: then as one of who may push.
	Trust func(rev git.Revision) Trust
	// Foreign is how revisions of strangers are brought. It goes with Trust.
	Foreign *Source
	// Said are the words that people have said of pull requests who may write to the repository, each once. It may be nil.
	Said func(ctx context.Context, about []Talk) ([]Word, error)
	// Answer tells who has said something whether that was an order. It may be nil.
	Answer func(ctx context.Context, by Person, heeded bool)
	// Admit asks, as the run of a revision is about to start that had to be approved, whether who did may do so. Its error is
	// *[UnapprovedError] where the approval does not count any more. It may be nil.
	Admit func(ctx context.Context, rev git.Revision, by Person) error
	// Plan tells what to do with the revision that is checked out in dir.
	// An error that is *[MistakeError] is one of the revision itself.
	Plan func(ctx context.Context, dir string, rev git.Revision) (Plan, error)

	// Identity returns what the host calls the repository whatever its name,
	// given what it called it before ("" at first). It is asked before a run, and
	// its error keeps the run from starting. It may be nil.
	Identity func(ctx context.Context, known string) (string, error)
	// Pace is the shortest interval that the host bears. It may be nil.
	Pace func() time.Duration
	// Grant returns what an action is given beside its Plan: secrets, and a token if it asks for one. It may be nil.
	Grant func(ctx context.Context, action actions.Action) (Granted, error)
	// Told is what git and the host say of a run, for a file that tells actions of it as GitHub does. What is not known is
	// left out, and the error says why. nil: there is no such file.
	Told func(ctx context.Context, run Run) (Told, error)
	// ReportTo is where the Reporter tells of the runs, in its own terms; "" is nowhere.
	ReportTo string
	// ReportAs is the form in which it tells, also in its own terms; "" is one that shows a retry only when it has ended.
	ReportAs string
	// DeployTo is where the Reporter tells of deployments, see [DeployTo]; "" is nowhere.
	DeployTo string
	// PullDeployTo is the same of pull requests.
	PullDeployTo string
	// CommentTo is where the Reporter puts what runs write into CommentFile, see [CommentTo]; "" is nowhere.
	CommentTo, CommentFile string
	// Notices are the targets that are notified of the runs.
	Notices []Notice
	// Brings says that the revision brings its Plan: a run is reported once that has shown
	// something to do, and one without is reported as nothing to run.
	Brings bool
	// Silent says not to report runs that had nothing to do.
	Silent bool
	// FinishUnleased lets the actions of a run go on when this instance has lost its lease.
	FinishUnleased bool
	Grace          time.Duration // the longest that any action of it has
	// Rules say when it runs what is new, and how often what has failed.
	Rules Rules

	// Each says that every instance on a shared store runs what is new, and remembers it for itself.
	Each bool
	// Fleet says that ReportTo hears of all instances together.
	Fleet bool

	Definition string // a digest that is the same on every host of the same task
	Actions    string // a digest of what Plan returns, "" where the revision brings it
	Digest     string // of the configuration: Set leaves a task with an equal digest alone
}

// pace is the interval, stretched to what the host bears.
func (t Task) pace() time.Duration {
	if t.Pace == nil {
		return t.Interval
	}
	return max(t.Interval, t.Pace())
}

// noMatch says that none of the refs is watched, and how many tags are no versions.
func (t Task) noMatch(others int) string {
	const noPull = "no open pull request matches"
	if named := slices.DeleteFunc(slices.Clone(t.Refs), IsPull); len(named) == 0 {
		return noPull
	} else if len(named) < len(t.Refs) {
		t.Refs = named
		return t.noMatch(others) + "; " + noPull
	}
	switch text := "no " + t.Refs.Kinds() + " matches " + t.Refs.Short(); {
	case t.Versions == nil || t.Refs.Kinds() != "tag":
		return text
	case others == 0:
		return "no tag is a " + t.Versions.String()
	case others == 1:
		return "no tag is a " + t.Versions.String() + "; one tag is no version at all"
	default:
		return fmt.Sprintf("no tag is a %s; %d tags are no versions at all", t.Versions, others)
	}
}

// Plan is what to do with a revision.
type Plan struct {
	Actions []actions.Action // in order
	Paths   git.PathPatterns // there is something to do only when what they select has changed; none: always
	Timeout time.Duration    // for them, if shorter than what is left of the task's; 0: none of its own

	OnFailure []actions.Action // in order, after a run that did not succeed
	Always    []actions.Action // in order, after every run and after OnFailure
}

// Granted is what an action is lent.
type Granted struct {
	Vars    []string      // KEY=VALUE
	Secrets []secret.Text // of them, to be masked in its output
	Revoke  func()        // takes them back when the action has ended; may be nil
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
