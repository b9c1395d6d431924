package wiring

import (
	"context"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller/git"
)

// verify is the poller's Verify of a task whose checkouts have the options.
func (w *Wiring) verify(mirror *git.Mirror, r *Repository, o git.Options, v settings.Verify) func(context.Context, git.Revision, string) (git.Signer, error) {
	return func(ctx context.Context, rev git.Revision, since string) (signer git.Signer, err error) {
		if !v.Forward {
			since = ""
		}
		ask := func() error {
			signer, err = mirror.Verify(ctx, rev, since, v.KeyFiles, o)
			return err
		}
		if r != nil {
			err = r.byGit(ctx, ask)
		} else {
			err = ask()
		}
		return signer, err
	}
}
