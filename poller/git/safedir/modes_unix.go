//go:build unix

package safedir

import (
	"golang.org/x/sys/unix"
)

// KeepsModes tells whether the file system keeps the modes that files are given.
// Some refuse others than those of their mount, or forget them (FAT, SMB, 9P,
// drives of Windows). It makes a file of this name and removes it, as git-init(1)
// tries it; what goes wrong with that will go wrong again with others.
func KeepsModes(path string, fail Fail) bool {
	_ = unix.Unlink(path) // of a call that was killed
	fd, err := openat(unix.AT_FDCWD, path, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return true
	}
	defer unix.Unlink(path) //nolint:errcheck // the next call removes it
	defer unix.Close(fd)    //nolint:errcheck // nothing was written
	var info unix.Stat_t
	err = (&Dir{Fail: fail}).chmod(fd, path, 0o700)
	return err == nil && unix.Fstat(fd, &info) == nil && info.Mode&0o7777 == 0o700
}

// chmod gives a file or directory the mode that it has in a tree.
func (d *Dir) chmod(fd int, name string, perm uint32) error {
	if d.NoModes {
		return nil
	}
	if err := d.fails("chmod", name); err != nil {
		return err
	}
	return fileError("chmod", name, unix.Fchmod(fd, perm))
}
