//go:build unix

package worktree

import (
	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/index"
)

// replacing has files be made in a directory beside, under a name that nobody
// else uses there, and take their place by rename: whoever reads one meanwhile
// has the old or the new as a whole, an inode that others hold is never written
// to, and a crash leaves no part of a file.
func (o *outDir) replacing(stage, name string) error {
	fd, err := openat(unix.AT_FDCWD, stage, unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err == nil {
		o.stage, o.staged = fd, name
	}
	return err
}

// settle gives a file that was made in the stage its place.
func (o *outDir) settle(f PlanFile) error {
	if o.staged == "" {
		return nil
	}
	dir, err := o.fd(f.Dir)
	if err != nil {
		return err
	}
	return disk.FileError("rename", f.Name, unix.Renameat(o.stage, o.staged, dir, f.Name))
}

// changedAt is when a directory changed last, by the clock of its file system.
func changedAt(dir string) (index.FileTime, error) {
	var info unix.Stat_t
	err := unix.Lstat(dir, &info)
	return timeOf(info.Ctim), disk.FileError("stat", dir, err)
}
