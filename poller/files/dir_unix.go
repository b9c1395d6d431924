//go:build unix

package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// noFollow is for opening a file and no link.
const noFollow = unix.O_NOFOLLOW

// maxLinks are as many links as Linux follows on one way.
const maxLinks = 40

// strict tells whether others gain by leading kitops elsewhere.
func strict() bool { return os.Geteuid() == 0 }

// trace follows a path from the root down. Each directory is looked at before
// anything in it is, so that nobody can change what was found good already.
func trace(path string) (real string, found *finding, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return "", nil, err
	}
	root, err := os.Lstat("/")
	if err != nil {
		return "", nil, err
	}
	real, info, links := "/", root, 0
	rest := strings.Split(path, "/")
	for {
		if f := suspect(real, info); found == nil && f != nil {
			found = f
		}
		for len(rest) > 0 && (rest[0] == "" || rest[0] == ".") {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			return real, found, nil
		}
		next := filepath.Join(real, rest[0])
		link, err := os.Lstat(next)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return filepath.Join(real, filepath.Join(rest...)), found, nil
		case err != nil:
			return "", nil, err
		case link.Mode()&fs.ModeSymlink == 0:
			real, info, rest = next, link, rest[1:]
			continue
		}
		if links++; links > maxLinks {
			return "", nil, fmt.Errorf("%s: too many links", path)
		}
		if f := foreignLink(next, link); found == nil && f != nil {
			found = f
		}
		target, err := os.Readlink(next)
		if err != nil {
			return "", nil, err
		}
		if filepath.IsAbs(target) {
			real, info = "/", root
		}
		rest = append(strings.Split(target, "/"), rest[1:]...)
	}
}

// suspect is what is wrong with a directory on the way, or with the file at its end.
func suspect(path string, info fs.FileInfo) *finding {
	if !info.IsDir() && !info.Mode().IsRegular() {
		return nil // whoever opens it will refuse it for what it is
	}
	problem, remedy := stranger(info)
	if problem == "" || info.Mode()&fs.ModeSticky != 0 && ownerOf(info) == 0 || makeSticky(path, info) {
		return nil
	}
	return &finding{NotMineError{path, problem, fmt.Sprintf(remedy, path) + ", or choose another place"}, !ownerless(path)}
}

// makeSticky keeps others from replacing what root makes in a volume of its own.
func makeSticky(path string, info fs.FileInfo) bool {
	if !strict() || !info.IsDir() || ownerOf(info) != 0 || path == "/" || !mounted(path) {
		return false
	}
	const kept = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid
	if err := os.Chmod(path, info.Mode()&kept|fs.ModeSticky); err != nil {
		return false
	}
	after, err := os.Lstat(path)
	return err == nil && os.SameFile(info, after) && after.Mode()&fs.ModeSticky != 0 && ownerOf(after) == 0
}

// mounted says whether a directory is where a volume begins.
func mounted(path string) bool {
	var ids [2]mountID
	for i, dir := range []string{path, filepath.Dir(path)} {
		file, err := os.Open(dir)
		if err != nil {
			return false
		}
		ids[i], _, err = identify(int(file.Fd()))
		if errors.Join(err, file.Close()) != nil {
			return false
		}
	}
	return ids[0] != ids[1]
}

// foreignLink is a link that somebody put into a directory such as /tmp.
func foreignLink(path string, info fs.FileInfo) *finding {
	if trusted(ownerOf(info)) {
		return nil
	}
	return &finding{NotMineError{path, "is a link that " + nameOf(ownerOf(info)) + " made", "remove it"}, !ownerless(filepath.Dir(path))}
}

// stranger says how somebody who is neither root nor the agent's user may
// change a file, "" if nobody may, and what helps.
func stranger(info fs.FileInfo) (problem, remedy string) {
	owner, mode := ownerOf(info), info.Mode()
	stat := info.Sys().(*syscall.Stat_t)
	switch {
	case !trusted(owner):
		return "belongs to " + nameOf(owner) + ", who could lead kitops to other files", "chown " + nameOf(uint32(os.Geteuid())) + " %s"
	case mode&0o002 != 0:
		return "can be written to by everybody, who could lead kitops to other files", "chmod o-w %s"
	case mode&0o020 != 0 && (stat.Gid != stat.Uid || strict()): // a group of one's own is oneself
		return fmt.Sprintf("can be written to by its group (gid %d), who could lead kitops to other files", stat.Gid), "chmod g-w %s"
	}
	return "", ""
}

func ownerOf(info fs.FileInfo) uint32 { return info.Sys().(*syscall.Stat_t).Uid }

func trusted(owner uint32) bool {
	return owner == 0 || owner == uint32(os.Geteuid()) || owner == unmappedRoot()
}

func nameOf(uid uint32) string {
	id := strconv.Itoa(int(uid))
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return "uid " + id
}

// openFile opens without following a link, and without waiting for whoever is
// at the other end of a pipe.
func (d *Dir) openFile(name string, flag int, mode fs.FileMode) (*os.File, error) {
	here, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer here.Close()
	var fd int
	err = retried(func() (err error) {
		fd, err = unix.Openat(int(here.Fd()), name, flag|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, uint32(mode.Perm()))
		return err
	})
	path := filepath.Join(d.path, name)
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.EMLINK) {
		return nil, &NotMineError{path, "is not a file but a link", "remove it"}
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	if err := unix.SetNonblock(fd, false); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), path), nil
}
