package wiring

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
)

// toldWait is for how long a run waits for what the file of KITOPS_EVENT_FILE is to say beside its revision.
const toldWait = 30 * time.Second

// told is the poller's Told of a task whose checkouts have the options.
func told(mirror *git.Mirror, r *Repository, o git.Options) func(context.Context, poller.Run) (poller.Told, error) {
	return func(ctx context.Context, run poller.Run) (told poller.Told, err error) {
		ctx, cancel := context.WithTimeout(ctx, toldWait)
		defer cancel()
		if poller.IsPull(run.Revision.Ref) {
			if run.Pull == nil && r != nil {
				told.Repository, err = r.Describe(ctx)
			}
			return told, err
		}
		push := func() (err error) {
			told.Push, err = mirror.Push(ctx, run.Revision, run.Previous, o)
			return err
		}
		if r == nil {
			pushed := push()
			heads, err := mirror.Heads(ctx, git.Patterns{"HEAD"})
			if err == nil && len(heads) == 1 {
				told.DefaultBranch = strings.TrimPrefix(heads[0].Ref, "refs/heads/")
			}
			return told, errors.Join(pushed, wrap("ask for the default branch", err))
		}
		pushed := r.byGit(ctx, push)
		told.Repository, err = r.Describe(ctx)
		if r.Anonymous(err) {
			err = nil
		}
		return told, errors.Join(pushed, wrap("ask what the repository is", err))
	}
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
