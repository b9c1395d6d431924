//go:build unix

package safedir

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Unlink removes a file, if it is there and no directory.
func (d *Dir) Unlink(dir int32, name string) error {
	fd, err := d.fd(dir)
	if err != nil {
		return err
	}
	err = unix.Unlinkat(fd, name, 0)
	if err == nil || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EISDIR) {
		return nil
	}
	var info unix.Stat_t
	if fstatat(fd, name, &info) == nil && info.Mode&unix.S_IFMT == unix.S_IFDIR { // EPERM where POSIX has its way
		return nil
	}
	return fileError("remove", name, err)
}

// Rmdir removes a directory of the tree, not the open one, if it is there and empty.
func (d *Dir) Rmdir(dir int32) error {
	above, name := d.tree(dir)
	parent, err := d.fd(above)
	if err != nil {
		return err
	}
	err = unix.Unlinkat(parent, name, unix.AT_REMOVEDIR)
	if gone(err) || errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) {
		return nil
	}
	return fileError("remove", name, err)
}

// Unlock lets the owner of a directory that is right in another move it.
func Unlock(dir, name string) error {
	root, err := openat(unix.AT_FDCWD, dir, unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	return errors.Join(unlockAt(root, name), unix.Close(root))
}

// RemoveAll removes whatever a name in a directory of the tree is, with all that
// is in it, but not beyond a mount.
func (d *Dir) RemoveAll(dir int32, name string) error {
	fd, err := d.fd(dir)
	if err != nil {
		return err
	}
	return d.removeAt(fd, name)
}

func (d *Dir) removeAt(parent int, name string) error {
	if err := d.fails("remove", name); err != nil {
		return err
	}
	var info unix.Stat_t
	if err := fstatat(parent, name, &info); err != nil {
		if errors.Is(err, unix.ENOENT) {
			return nil
		}
		return fileError("stat", name, err)
	}
	flags := 0
	if info.Mode&unix.S_IFMT == unix.S_IFDIR {
		if err := d.empty(parent, name); err != nil {
			return err
		}
		flags = unix.AT_REMOVEDIR
	}
	if err := unix.Unlinkat(parent, name, flags); err != nil && !errors.Is(err, unix.ENOENT) {
		return fileError("remove", name, err)
	}
	return nil
}

// empty removes all that is in a directory, also where its owner may not write.
func (d *Dir) empty(parent int, name string) error {
	const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW
	fd, err := openat(parent, name, flags, 0)
	if errors.Is(err, unix.EACCES) && unlockAt(parent, name) == nil {
		fd, err = openat(parent, name, flags, 0)
	}
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	info, err := infoOf(fd, name)
	if err == nil && info.ID.Dev != d.Dev {
		err = fmt.Errorf("%s is a mount point", name)
	}
	if err != nil {
		return err
	}
	if info.Perm&0o700 != 0o700 {
		_ = unix.Fchmod(fd, 0o700) // what this does not help will be said below
	}
	names, err := namesIn(fd)
	for _, inside := range names {
		err = errors.Join(err, d.removeAt(fd, inside))
	}
	return err
}
