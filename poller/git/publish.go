package git

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/bittrance/kitops/poller/git/worktree"
)

// fill writes what is missing of the revision to dir.
func (c *checkout) fill(ctx context.Context, r *revision, dir string) error {
	w := r.landed
	if w == nil {
		var err error
		if w, err = worktree.NewTreeWriter(dir, r.plan, c.fileOptions()); err != nil {
			return err
		}
		if c.known != nil {
			w.Parked = ParkedPath(c.dir)
		}
	}
	if err := w.Finish(ctx, r.store); err != nil {
		return c.blame(ctx, r.plan, err)
	}
	c.warnOfLeft(ctx, r)
	c.noticeSelection(ctx, r.plan)
	if err := c.indexGit(ctx, r, w.Found); err != nil || !c.Reuse && !c.Park {
		return err
	}
	return c.remember(dir, w)
}

// publish has fill write to a directory that then becomes that of the checkout.
func (c *checkout) publish(fill func(tmp string) error) error {
	parent := filepath.Dir(c.dir)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return err
	}
	const unfinished = ".tmp-"
	if c.Reuse {
		if err := sweepBeside(c.dir, unfinished); err != nil {
			return err
		}
	}
	tmp, err := os.MkdirTemp(parent, filepath.Base(c.dir)+unfinished+"*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }() // after the rename there is nothing to remove
	if err := fill(tmp); err != nil {
		return err
	}
	return os.Rename(tmp, c.dir)
}

// sweepBeside removes what calls that were killed left beside a directory that
// stays: nobody else does.
func sweepBeside(dir, suffix string) error {
	entries, err := os.ReadDir(filepath.Dir(dir))
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), filepath.Base(dir)+suffix) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(filepath.Dir(dir), entry.Name())))
		}
	}
	return err
}
