package wiring

import (
	"context"

	"github.com/bittrance/kitops/poller/git"
)

// mergeBase is the poller's MergeBase of a task whose checkouts have the options.
func (w *Wiring) mergeBase(mirror *git.Mirror, r *Repository, o git.Options) func(context.Context, git.Revision, string) (string, error) {
	return func(ctx context.Context, rev git.Revision, branch string) (base string, err error) {
		err = r.byGit(ctx, func() error {
			base, err = mirror.MergeBase(ctx, rev, branch, o)
			return err
		})
		return base, err
	}
}

// changes is the poller's Changes of a task whose checkouts have the options.
func (w *Wiring) changes(mirror *git.Mirror, r *Repository, o git.Options) func(context.Context, git.Revision, string) (git.Changed, error) {
	return func(ctx context.Context, rev git.Revision, since string) (all git.Changed, err error) {
		err = r.byGit(ctx, func() error {
			all, err = mirror.Changes(ctx, rev, since, o)
			return err
		})
		return all, err
	}
}

// text is the poller's Text of a task whose checkouts have the options.
func (w *Wiring) text(mirror *git.Mirror, r *Repository, o git.Options) func(context.Context, git.Revision) (git.Text, error) {
	return func(ctx context.Context, rev git.Revision) (text git.Text, err error) {
		err = r.byGit(ctx, func() error {
			text, err = mirror.Text(ctx, rev, o)
			return err
		})
		return text, err
	}
}

// pushed is the poller's Pushed.
func (r *Repository) pushed(ctx context.Context, rev git.Revision) (bool, error) {
	own, err := r.PushedByApp(ctx, rev.Ref, rev.SHA)
	return own, later(err)
}
