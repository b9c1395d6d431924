package wiring

import (
	"context"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
)

// stranger is whom actions run as that strangers have written.
type stranger struct {
	user  *actions.User // nil for the agent itself
	known bool          // else none of them runs
}

// usersOf are whom actions run as.
func usersOf(s settings.Settings) (*actions.User, stranger, error) {
	user, err := s.User()
	if err != nil {
		return nil, stranger{}, err
	}
	apart, known, err := s.Strangers()
	return user, stranger{apart, known}, err
}

// foreign is how revisions of strangers are brought: from a mirror of their own, as another user's, with credentials for no
// submodule, and into no workdir that anything else has used or will.
func (w *Wiring) foreign(s settings.Settings, t settings.Task, r *Repository) *poller.Source {
	theirs := &Repository{Repository: r.Repository, App: r.App, owner: r.owner, clone: r.clone, explicit: r.explicit, log: r.log, warned: r.warned}
	theirs.mirror = w.mirrors.foreign(theirs)
	t.Checkout.Credentials = nil
	options := t.Checkout.Options()
	options.Reuse, options.Submodules = false, w.submodules(s, t, theirs.mirror)
	if user := w.stranger.user; user != nil {
		options.Owner = &git.Owner{UID: user.UID, GID: user.GID}
	}
	source := &poller.Source{
		Checkout: func(ctx context.Context, rev git.Revision, dir string) error {
			return theirs.checkout(ctx, rev, dir, options)
		},
		Changes:   w.changes(theirs.mirror, theirs, options),
		MergeBase: w.mergeBase(theirs.mirror, theirs, options),
		Text:      w.text(theirs.mirror, theirs, options),
	}
	if t.Verify != nil {
		keys := w.keys(t)
		keys.Foreign = true
		source.Verify = w.verify(theirs.mirror, theirs, options, keys, t.Verify.Forward)
	}
	return source
}
