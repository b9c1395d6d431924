//go:build unix

package worktree

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/object"
)

const hasModes = true // of files

// Identity is the directory itself.
func (o *outDir) Identity() (dirID, error) {
	info, err := infoOf(o.root, ".")
	return info.id, err
}

// enter sees to it that a directory of the plan is as it should be, and says
// whether it is there at all.
func (o *outDir) enter(dir int32) (bool, error) {
	fd, err := o.fd(dir)
	if errors.Is(err, unix.EACCES) && dir != 0 {
		if err = o.unlock(dir); err == nil {
			fd, err = o.fd(dir)
		}
	}
	if gone(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	name := o.plan.DirPath(dir)
	info, err := infoOf(fd, name)
	if err == nil && info.id.Dev != o.Dev {
		err = fmt.Errorf("%s is a mount point", name)
	}
	if err == nil && !info.belongs(o.owner) {
		err = o.own(fd, name)
	}
	if err == nil && info.perm != 0o755 {
		err = disk.FileError("chmod", name, unix.Fchmod(fd, 0o755))
	}
	return err == nil, err
}

// self is a directory of the plan, if it is there.
func (o *outDir) self(dir int32) (fileInfo, error) {
	fd, err := o.fd(dir)
	if err != nil {
		return fileInfo{}, err
	}
	return infoOf(fd, o.plan.Dirs[dir].name)
}

// unlock lets the owner of a directory into it, and into those above.
func (o *outDir) unlock(dir int32) error {
	d := o.plan.Dirs[dir]
	parent, err := o.fd(d.parent)
	if errors.Is(err, unix.EACCES) && d.parent != 0 {
		if err = o.unlock(d.parent); err == nil {
			parent, err = o.fd(d.parent)
		}
	}
	if err != nil {
		return err
	}
	return unlockAt(parent, d.name)
}

// unlockAt gives a directory the mode that one of a plan has.
func unlockAt(parent int, name string) error {
	err := unix.Fchmodat(parent, name, 0o755, unix.AT_SYMLINK_NOFOLLOW)
	if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOSYS) {
		return disk.FileError("chmod", name, err)
	}
	// An old kernel, which would follow a link: the worst is that a process of
	// the agent's own user gets a file of his changed, which it could do itself.
	var info unix.Stat_t
	if err := fstatat(parent, name, &info); err != nil || info.Mode&unix.S_IFMT != unix.S_IFDIR {
		return disk.FileError("chmod", name, unix.ENOTDIR)
	}
	return disk.FileError("chmod", name, unix.Fchmodat(parent, name, 0o755, 0))
}

// gone says whether an error means that there is no such directory, but a file
// or a link at most.
func gone(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) || errors.Is(err, unix.EMLINK)
}

// look says what a name in a directory of the plan is.
func (o *outDir) look(dir int32, name string) (fileInfo, error) {
	fd, err := o.fd(dir)
	if err != nil {
		return fileInfo{}, err
	}
	var info unix.Stat_t
	if err := fstatat(fd, name, &info); err != nil {
		return fileInfo{}, disk.FileError("stat", name, err)
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

func infoOf(fd int, name string) (fileInfo, error) {
	var info unix.Stat_t
	err := unix.Fstat(fd, &info)
	return infoFrom(&info), disk.FileError("stat", name, err)
}

func infoFrom(info *unix.Stat_t) fileInfo {
	i := fileInfo{
		perm: uint64(info.Mode) & 0o7777, size: info.Size, linked: info.Nlink > 1,
		id: dirID{int64(info.Dev), info.Ino}, stat: StatOf(info),
	}
	switch info.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		i.kind = object.ModeFile
	case unix.S_IFLNK:
		i.kind = object.ModeSymlink
	case unix.S_IFDIR:
		i.kind = object.ModeDir
	}
	return i
}

// openFile opens a file that look found, to read it.
func (o *outDir) openFile(dir int32, name string, found *fileInfo) (io.ReadCloser, error) {
	fd, err := o.fd(dir)
	if err != nil {
		return nil, err
	}
	file, err := openat(fd, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err := infoOf(file, name); err != nil || info.kind != object.ModeFile || info.stat != found.stat {
		return nil, errors.Join(fmt.Errorf("%s changes while it is looked at", name), err, unix.Close(file))
	}
	return os.NewFile(uintptr(file), name), nil
}

func (o *outDir) readlink(dir int32, name string) (string, error) {
	fd, err := o.fd(dir)
	if err != nil {
		return "", err
	}
	target := make([]byte, maxSymlink+1)
	n, err := unix.Readlinkat(fd, name, target)
	return string(target[:max(n, 0)]), disk.FileError("readlink", name, err)
}

// names lists a directory of the plan.
func (o *outDir) names(dir int32) ([]string, error) {
	fd, err := o.fd(dir)
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
