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
	Interval time.Duration
	Timeout  time.Duration // of one run: fetch and all actions

	// Heads asks the remote where the refs are. It returns git.ErrEmpty for a repository without refs.
	Heads func(ctx context.Context, refs git.Patterns) ([]git.Revision, error)
	// Checkout writes the revision into dir, which does not exist before. It
	// returns git.ErrMoved when the remote no longer has the revision.
	Checkout func(ctx context.Context, rev git.Revision, dir string) error
	// Plan tells the actions for the revision that is checked out in dir.
	Plan func(dir string, rev git.Revision) ([]actions.Action, error)

	Digest string // of the configuration: Set leaves a task with an equal digest alone
}
