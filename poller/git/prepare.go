package git

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/bittrance/kitops/poller/git/dotgit"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/worktree"
)

var (
	errNotHeld  = errors.New("the mirror does not have the revision any more")
	errNoRecord = errors.New("nothing is known of the prepared directory")
)

// Prepare does ahead what is to be done for Checkout with Park and the same other options: it makes a directory of a revision
// that the mirror has, all but .git, as Checkout with Park would. Checkout then brings it to another revision, by what differs.
// That is as good as a new directory as long as nobody but the agent can reach it meanwhile, its record included, and that
// is the caller's to see to. Nobody waits for Prepare: everything else goes before the moving of files, until hurry is closed.
func (m *Mirror) Prepare(ctx context.Context, rev refs.Revision, dir string, o Options, hurry <-chan struct{}) error {
	held, err := o.held(rev)
	if err != nil {
		return fmt.Errorf("prepare %q of %s: %w", rev.SHA, m.URL, err)
	}
	kept := m.depotFor(o)
	o.Park, o.Reuse, o.DotGit = true, false, false
	c := &checkout{Mirror: m, Options: o, kept: kept, rev: held, wanted: rev.SHA, dir: dir, hurry: hurry}
	return c.explained(ctx, rev.SHA)
}

// prepared tells whether the directory is one that Prepare has made and nobody has used since.
func (c *checkout) prepared() bool {
	if !c.Park {
		return false
	}
	_, err := os.Lstat(RecordPath(c.dir))
	return err == nil
}

// renew brings a prepared directory to the revision. A second try begins with nothing.
func (c *checkout) renew(ctx context.Context) error {
	if c.prepared() {
		if err := c.update(ctx); !errors.Is(err, errNoRecord) {
			return err
		}
	}
	if err := dotgit.RemoveTree(c.dir); err != nil {
		return err
	}
	return c.attempt(ctx)
}

// inspect finds out what is still as it was in a directory that is there.
func (c *checkout) inspect(ctx context.Context, n *worktree.Inspection) error {
	if c.Reuse {
		return n.Run(ctx, c.dir, c.known())
	}
	n.Trust(c.known())
	return nil
}

// useUp takes the record of a prepared directory away, since it is not true for long.
func (c *checkout) useUp() error {
	if err := os.Remove(RecordPath(c.dir)); err != nil {
		return err
	}
	if c.known().Empty() {
		return errNoRecord
	}
	return nil
}
