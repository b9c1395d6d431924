//go:build unix

package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	batch    = 1024 // names of a directory that are read before they are removed
	maxDepth = 128  // directories held open at a time; deeper ones are moved to the top
)

// folder is a directory that is being emptied. It knows those above it, so that
// no link that comes into the place of one leads elsewhere.
type folder struct {
	above *folder // nil: the one that the tree stands in
	name  string
	file  *os.File
	mount mountID
	depth int
}

func (f *folder) path(name string) string {
	if f.above == nil {
		return filepath.Join(f.name, name)
	}
	return f.above.path(f.name) + "/" + name
}

func (r *remover) remove(path string) error {
	file, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer file.Close()
	above := &folder{name: filepath.Dir(path), file: file}
	name := filepath.Base(path)
	var info unix.Stat_t
	if err := unix.Fstatat(int(file.Fd()), name, &info, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &fs.PathError{Op: "remove", Path: path, Err: err}
	}
	if info.Mode&unix.S_IFMT != unix.S_IFDIR {
		return above.unlink(name, 0)
	}
	return r.removeDir(above, name, nil)
}

// removeDir empties a directory and removes it. Top is where what is too deep is
// moved to; nil says that this directory is the top.
func (r *remover) removeDir(above *folder, name string, top *folder) error {
	dir, err := above.open(name)
	if err != nil {
		return err
	}
	defer dir.file.Close()
	if top != nil && dir.mount != above.mount {
		return fmt.Errorf("%s is a mount point: unmount it and kitops removes the rest", above.path(name))
	}
	if top == nil {
		top = dir
	}
	for {
		seen, gone, err := r.empty(dir, top)
		if err != nil || !gone {
			return err
		}
		err = above.unlink(name, unix.AT_REMOVEDIR)
		if seen == 0 || !errors.Is(err, unix.ENOTEMPTY) && !errors.Is(err, unix.EEXIST) {
			return err
		}
		// Some file systems skip names while others go away.
		if _, err := dir.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
}

// empty removes what is in a directory, and tells how many names it saw and
// whether all of them are gone.
func (r *remover) empty(dir, top *folder) (seen int, gone bool, err error) {
	before := r.failures()
	for {
		entries, err := dir.file.ReadDir(batch)
		for _, entry := range entries {
			if r.done() {
				return seen, false, nil
			}
			if err := r.removeEntry(dir, entry, top); err != nil {
				r.fail(err)
			}
		}
		if seen += len(entries); len(entries) > 0 {
			continue
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return seen, r.failures() == before && !r.stopped, err // also where something below stays
	}
}

func (r *remover) removeEntry(dir *folder, entry fs.DirEntry, top *folder) error {
	switch {
	case !entry.IsDir():
		return dir.unlink(entry.Name(), 0)
	case dir.depth < maxDepth:
		return r.removeDir(dir, entry.Name(), top)
	}
	r.lifted++
	name := ".kitops-deep-" + strconv.Itoa(r.lifted)
	if err := unix.Renameat(int(dir.file.Fd()), entry.Name(), int(top.file.Fd()), name); err != nil {
		return &fs.PathError{Op: "move", Path: dir.path(entry.Name()), Err: err}
	}
	return nil
}

// open opens a directory to empty it, also where its owner may not.
func (f *folder) open(name string) (*folder, error) {
	const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	call := func() (fd int, err error) {
		err = retried(func() (err error) { fd, err = unix.Openat(int(f.file.Fd()), name, flags, 0); return err })
		return fd, err
	}
	fd, err := call()
	if errors.Is(err, unix.EACCES) && f.unlock(name) == nil {
		fd, err = call()
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: f.path(name), Err: err}
	}
	dir := &folder{above: f, name: name, file: os.NewFile(uintptr(fd), name), depth: f.depth + 1}
	var perm uint32
	if dir.mount, perm, err = identify(fd); err != nil {
		return nil, errors.Join(&fs.PathError{Op: "open", Path: f.path(name), Err: err}, dir.file.Close())
	}
	if perm&0o700 != 0o700 {
		_ = unix.Fchmod(fd, 0o700) // where this does not help, removing says so
	}
	return dir, nil
}

// unlock lets the owner of a directory read it.
func (f *folder) unlock(name string) error {
	err := unix.Fchmodat(int(f.file.Fd()), name, 0o700, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		// An old kernel, which would follow a link. Only who is not root gets here,
		// so the worst is that a process of his own has his own file changed.
		return unix.Fchmodat(int(f.file.Fd()), name, 0o700, 0)
	}
	return err
}

func (f *folder) unlink(name string, flags int) error {
	err := retried(func() error { return unix.Unlinkat(int(f.file.Fd()), name, flags) })
	if err == nil || errors.Is(err, unix.ENOENT) {
		return nil
	}
	return &fs.PathError{Op: "remove", Path: f.path(name), Err: err}
}

// retried repeats a call that a signal interrupts, as network file systems let it.
func retried(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
