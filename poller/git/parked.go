package git

import (
	"errors"

	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/worktree"
)

// ParkedPath is where Checkout with Park looks for a directory of an earlier such call.
func ParkedPath(dir string) string { return dir + ".parked" }

// RecordPath is the file that Checkout with Park or Reuse keeps beside a directory.
func RecordPath(dir string) string { return worktree.RecordPath(dir) }

// NoRoom tells whether a checkout failed because the disk is full, or would have been.
func NoRoom(err error) bool { return errors.Is(err, disk.ErrNoRoom) || err != nil && disk.Full(err) }

// findParked learns what there is to be moved. Where that cannot be told, there is nothing.
func (c *checkout) findParked() {
	c.known = nil
	if known, err := worktree.LoadParked(ParkedPath(c.dir), c.rev.ID.Format()); err == nil {
		c.known = func() *worktree.Record { return known }
	}
}
