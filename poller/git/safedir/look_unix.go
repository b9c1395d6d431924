//go:build unix

package safedir

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// HasModes says whether files have modes here.
const HasModes = true

// Belongs says whether the directory itself belongs to an owner, which may be nil.
func (d *Dir) Belongs(o *Owner) (bool, error) {
	info, err := infoOf(d.root, ".")
	return info.BelongsTo(o), err
}

// Identity is the directory itself.
func (d *Dir) Identity() (ID, error) {
	info, err := infoOf(d.root, ".")
	return info.ID, err
}

// Enter sees to it that a directory of the tree is as it should be, and says
// whether it is there at all.
func (d *Dir) Enter(dir int32) (bool, error) {
	fd, err := d.fd(dir)
	if errors.Is(err, unix.EACCES) && dir != 0 {
		if err = d.unlock(dir); err == nil {
			fd, err = d.fd(dir)
		}
	}
	if gone(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	name := d.tree.path(dir)
	info, err := infoOf(fd, name)
	if err == nil && info.ID.Dev != d.Dev {
		err = fmt.Errorf("%s is a mount point", name)
	}
	if err == nil && !info.BelongsTo(d.Owner) { // never given away: somebody may have moved it here
		err = fmt.Errorf("%s belongs to another user: give it to the one who runs the actions, or remove it", name)
	}
	if err == nil && info.Perm != 0o755 {
		err = d.chmod(fd, name, 0o755)
	}
	return err == nil, err
}

// Self is a directory of the tree, if it is there.
func (d *Dir) Self(dir int32) (Info, error) {
	fd, err := d.fd(dir)
	if err != nil {
		return Info{}, err
	}
	return infoOf(fd, d.tree.path(dir))
}

// unlock lets the owner of a directory into it, and into those above.
func (d *Dir) unlock(dir int32) error {
	above, name := d.tree(dir)
	parent, err := d.fd(above)
	if errors.Is(err, unix.EACCES) && above != 0 {
		if err = d.unlock(above); err == nil {
			parent, err = d.fd(above)
		}
	}
	if err != nil {
		return err
	}
	return unlockAt(parent, name)
}

// unlockAt gives a directory the mode that those of a tree have.
func unlockAt(parent int, name string) error {
	err := unix.Fchmodat(parent, name, 0o755, unix.AT_SYMLINK_NOFOLLOW)
	if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOSYS) {
		return fileError("chmod", name, err)
	}
	// An old kernel, which would follow a link: the worst is that a process of
	// the agent's own user gets a file of his changed, which it could do itself.
	var info unix.Stat_t
	if err := fstatat(parent, name, &info); err != nil || info.Mode&unix.S_IFMT != unix.S_IFDIR {
		return fileError("chmod", name, unix.ENOTDIR)
	}
	return fileError("chmod", name, unix.Fchmodat(parent, name, 0o755, 0))
}

// gone says whether an error means that there is no such directory, but a file
// or a link at most.
func gone(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) || errors.Is(err, unix.EMLINK)
}

// Look says what a name in a directory of the tree is.
func (d *Dir) Look(dir int32, name string) (Info, error) {
	fd, err := d.fd(dir)
	if err != nil {
		return Info{}, err
	}
	var info unix.Stat_t
	if err := fstatat(fd, name, &info); err != nil {
		return Info{}, fileError("stat", name, err)
	}
	return infoFrom(&info), nil
}

func fstatat(dir int, name string, info *unix.Stat_t) error {
	for {
		if err := unix.Fstatat(dir, name, info, unix.AT_SYMLINK_NOFOLLOW); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func infoOf(fd int, name string) (Info, error) {
	var info unix.Stat_t
	err := unix.Fstat(fd, &info)
	return infoFrom(&info), fileError("stat", name, err)
}

func infoFrom(info *unix.Stat_t) Info {
	i := Info{
		Perm: uint32(info.Mode) & 0o7777, Linked: info.Nlink > 1, //nolint:unconvert // the types differ between systems
		ID: ID{int64(info.Dev), info.Ino}, Stat: statOf(info),
	}
	switch info.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		i.Kind = Regular
	case unix.S_IFLNK:
		i.Kind = Symlink
	case unix.S_IFDIR:
		i.Kind = Directory
	}
	return i
}

// OpenFile opens a file that Look found, to read it.
func (d *Dir) OpenFile(dir int32, name string, found *Info) (io.ReadCloser, error) {
	fd, err := d.fd(dir)
	if err != nil {
		return nil, err
	}
	file, err := openat(fd, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err := infoOf(file, name); err != nil || info.Kind != Regular || info.Stat != found.Stat {
		return nil, errors.Join(fmt.Errorf("%s changes while it is looked at", name), err, unix.Close(file))
	}
	return os.NewFile(uintptr(file), name), nil
}

// Readlink is where a link leads, cut after MaxSymlink and one byte more.
func (d *Dir) Readlink(dir int32, name string) (string, error) {
	fd, err := d.fd(dir)
	if err != nil {
		return "", err
	}
	target := make([]byte, MaxSymlink+1)
	n, err := unix.Readlinkat(fd, name, target)
	return string(target[:max(n, 0)]), fileError("readlink", name, err)
}

// Names lists a directory of the tree.
func (d *Dir) Names(dir int32) ([]string, error) {
	fd, err := d.fd(dir)
	if err != nil {
		return nil, err
	}
	return namesIn(fd)
}

func namesIn(dir int) ([]string, error) {
	fd, err := openat(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), ".")
	defer file.Close()
	return file.Readdirnames(-1)
}
