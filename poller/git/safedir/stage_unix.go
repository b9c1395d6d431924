//go:build unix

package safedir

import (
	"golang.org/x/sys/unix"
)

// Stage has files be made in a directory beside, under a name that nobody
// else uses there, and take their place by rename: whoever reads one meanwhile
// has the old or the new as a whole, an inode that others hold is never written
// to, and a crash leaves no part of a file.
func (d *Dir) Stage(path, name string) error {
	fd, err := openat(unix.AT_FDCWD, path, unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err == nil {
		d.stage, d.staged = fd, name
	}
	return err
}

// settle gives a file that was made in the stage its place.
func (d *Dir) settle(f File) error {
	if d.staged == "" {
		return nil
	}
	dir, err := d.fd(f.Dir)
	if err == nil {
		err = d.fails("rename", f.Name)
	}
	if err != nil {
		return err
	}
	return fileError("rename", f.Name, unix.Renameat(d.stage, d.staged, dir, f.Name))
}

// ChangedAt is when a directory changed last, by the clock of its file system.
func ChangedAt(dir string) (Time, error) {
	var info unix.Stat_t
	err := unix.Lstat(dir, &info)
	return timeOf(info.Ctim), fileError("stat", dir, err)
}
