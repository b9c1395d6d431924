package git

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/git/dotgit"
	"github.com/bittrance/kitops/poller/git/safedir"
	"github.com/bittrance/kitops/poller/git/worktree"
)

// update is attempt for a directory that is there.
func (c *checkout) update(ctx context.Context) error {
	id, err := worktree.Identify(c.dir)
	if errors.Is(err, fs.ErrPermission) && os.Chmod(c.dir, 0o755) == nil { // locked by an action of the agent's user
		id, err = worktree.Identify(c.dir)
	}
	if err != nil {
		return err
	}
	format := c.rev.ID.Format() // the revision changes while it is fetched
	c.known = sync.OnceValue(func() *worktree.Record { return worktree.LoadRecord(c.dir, id, format) })
	n := &worktree.Inspection{Owner: c.Owner, Dev: id.Dev, NoModes: c.noModes}
	r, err := c.openMeanwhile(ctx, func(ctx context.Context) error { return c.inspect(ctx, n) })
	if err != nil {
		return err
	}
	defer r.store.Close()
	if !c.Reuse {
		if err := c.useUp(); err != nil {
			return err
		}
	}
	k := worktree.Kept{
		Dir: c.dir, ID: id, Known: c.known(), Inspected: n, Plan: r.plan, Clean: c.Clean, FileOptions: c.fileOptions(),
	}
	if c.DotGit {
		k.Keep = ".git"
	}
	found, err := worktree.Update(ctx, r.store, k)
	if err != nil {
		return c.blame(ctx, r.plan, err)
	}
	c.warnOfLeft(ctx, r)
	c.noticeSelection(ctx, r.plan)
	if err := c.indexGit(ctx, r, found); err != nil {
		return err
	}
	return c.placeGit(c.dir)
}

// discardForeign removes a workdir that was made for another owner than this
// checkout is for. What is in it is not given away: somebody may have put things
// there that are neither's.
func (c *checkout) discardForeign() (gone bool, err error) {
	d, err := safedir.Open(c.dir, nil)
	if err != nil {
		return false, nil //nolint:nilerr // update finds out what is wrong with it
	}
	mine, err := d.Belongs(c.Owner)
	d.Close()
	if err != nil || mine {
		return false, err
	}
	return true, dotgit.RemoveTree(c.dir)
}

// openMeanwhile is open while something else is done.
func (c *checkout) openMeanwhile(ctx context.Context, work func(context.Context) error) (*revision, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(bug.Caught(func() error { return work(ctx) }))
	var r *revision
	group.Go(bug.Caught(func() (err error) {
		r, err = c.open(ctx, "")
		return err
	}))
	err := group.Wait()
	if err != nil && r != nil {
		r.store.Close()
	}
	return r, err
}

// remember records what is in a directory that is about to get its name.
func (c *checkout) remember(tmp string, w *worktree.TreeWriter) (err error) {
	id, err := worktree.Identify(tmp)
	if err != nil {
		return err
	}
	since, err := worktree.MakeStage(c.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(worktree.StagePath(c.dir))) }()
	if err := worktree.Forget(worktree.JournalPath(c.dir)); err != nil {
		return err
	}
	return worktree.SaveRecord(worktree.RecordPath(c.dir), filepath.Join(worktree.StagePath(c.dir), "index"), w.Plan.Recorded(w.Found, nil), since, id)
}
