package git

import (
	"context"
	"os"
	"path/filepath"

	"github.com/bittrance/kitops/poller/git/safedir"
	"github.com/bittrance/kitops/poller/git/worktree"
)

// fileOptions are those of this checkout.
func (c *checkout) fileOptions() worktree.FileOptions {
	return worktree.FileOptions{
		Limit: c.maxSize(), Owner: c.Owner, Stats: c.Reuse || c.Park || c.DotGit, Room: c.room(filepath.Dir(c.dir)), Fail: safedir.Fail(c.fail), NoModes: c.noModes, Hurry: c.hurry,
		Progress: c.progress, Fetch: c.fetchPointed, Copy: c.copyPointed, Same: c.samePointed,
	}
}

// tryModes finds out whether files can have the modes of the revision.
func (c *checkout) tryModes(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Dir(c.dir), 0o700); err != nil {
		return err
	}
	c.noModes = !safedir.KeepsModes(c.dir+".tmp-modes", safedir.Fail(c.fail))
	if c.noModes && safedir.HasModes {
		c.warnOnce(ctx, "the file system does not keep the modes of files: they are those of the mount, as with git's core.fileMode=false", "dir", filepath.Dir(c.dir))
	}
	return nil
}
