package git

import (
	"path/filepath"

	"github.com/bittrance/kitops/poller/git/safedir"
	"github.com/bittrance/kitops/poller/git/worktree"
)

// fileOptions are those of this checkout.
func (c *checkout) fileOptions() worktree.FileOptions {
	return worktree.FileOptions{Limit: c.maxSize(), Owner: c.Owner, Stats: c.Reuse || c.DotGit, Room: c.room(filepath.Dir(c.dir)), Fail: safedir.Fail(c.fail)}
}
