//go:build unix

package safedir

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

const keptDirs = 16 // descriptors of directories kept open, for each writer

// Dir writes into one directory. Each step goes down from a directory that
// is open, by one name, and follows no link: whatever a tree or another process
// puts in the way, nothing lands outside. It is for one goroutine.
type Dir struct {
	Owner    *Owner // whom to give what is made; nil: leave it
	KeepStat bool   // keep Last
	Last     Stat   // of the file made last
	Dev      int64  // of the directory, if it is one that was there: what is on another is a mount
	NoModes  bool   // files have the modes of the mount, see KeepsModes
	Fail     Fail   // for tests; nil: nothing fails but what does

	tree Tree
	root int

	stage  int    // where a file is made before it takes its place, as staged
	staged string // "": at its place
	kept   [keptDirs]struct {
		dir int32 // 0: none
		fd  int
	}
	next int
}

// Open opens a directory, which must not be a link.
func Open(path string, tree Tree) (*Dir, error) {
	root, err := openat(unix.AT_FDCWD, path, unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	return &Dir{tree: tree, root: root}, nil
}

// Close gives back all descriptors.
func (d *Dir) Close() {
	for _, kept := range d.kept {
		if kept.dir != 0 {
			_ = unix.Close(kept.fd)
		}
	}
	if d.staged != "" {
		_ = unix.Close(d.stage)
	}
	_ = unix.Close(d.root)
}

// fd is a directory of the tree, open until others have taken its place.
func (d *Dir) fd(dir int32) (int, error) {
	if dir == 0 {
		return d.root, nil
	}
	for _, kept := range d.kept {
		if kept.dir == dir {
			return kept.fd, nil
		}
	}
	above, name := d.tree(dir)
	parent, err := d.fd(above)
	if err != nil {
		return -1, err
	}
	fd, err := openat(parent, name, unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return -1, err
	}
	slot := &d.kept[d.next]
	d.next = (d.next + 1) % keptDirs
	if slot.dir != 0 {
		_ = unix.Close(slot.fd)
	}
	slot.dir, slot.fd = dir, fd
	return fd, nil
}

// Mkdir makes a directory of the tree, with mode 0755; the umask of the agent is no part of
// the revision.
func (d *Dir) Mkdir(dir int32) error {
	if dir == 0 {
		return errors.Join(d.chmod(d.root, ".", 0o755), d.own(d.root, "."))
	}
	above, name := d.tree(dir)
	parent, err := d.fd(above)
	if err != nil {
		return err
	}
	if err := d.fails("mkdir", name); err != nil {
		return err
	}
	if err := unix.Mkdirat(parent, name, 0o755); err != nil {
		return fileError("mkdir", name, err)
	}
	fd, err := d.fd(dir)
	if err != nil {
		return err
	}
	if err := d.own(fd, name); err != nil {
		return err
	}
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil || info.Mode&0o7777 == 0o755 {
		return fileError("stat", name, err)
	}
	return d.chmod(fd, name, 0o755)
}

// own gives a file or directory that was just made to its owner.
func (d *Dir) own(fd int, name string) error {
	if d.Owner == nil {
		return nil
	}
	return fileError("chown", name, unix.Fchown(fd, d.Owner.UID, d.Owner.GID))
}

// Write makes a file and says so only when all of it is there.
func (d *Dir) Write(f File, content []byte) error {
	fd, err := d.create(f)
	if err != nil {
		return err
	}
	if _, err := (fdWriter{d, fd, f.Name}).Write(content); err != nil {
		_ = unix.Close(fd)
		return err
	}
	return d.finish(fd, f, int64(len(content)))
}

// Stream is write for content that fill brings in pieces.
func (d *Dir) Stream(f File, fill func(io.Writer) (int64, error)) error {
	fd, err := d.create(f)
	if err != nil {
		return err
	}
	size, err := fill(fdWriter{d, fd, f.Name})
	if err != nil {
		_ = unix.Close(fd)
		return err
	}
	return d.finish(fd, f, size)
}

func (d *Dir) create(f File) (int, error) {
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW
	if err := d.fails("open", f.Name); err != nil {
		return -1, err
	}
	if d.staged != "" {
		return openat(d.stage, d.staged, flags, f.Perm)
	}
	dir, err := d.fd(f.Dir)
	if err != nil {
		return -1, err
	}
	return openat(dir, f.Name, flags, f.Perm)
}

func (d *Dir) finish(fd int, f File, size int64) error {
	var info unix.Stat_t
	err := d.own(fd, f.Name) // which can take bits of the mode
	if err == nil && f.Older {
		err = d.date(f)
	}
	if err == nil {
		err = unix.Fstat(fd, &info)
	}
	if err == nil && info.Size != size {
		err = io.ErrShortWrite
	}
	if err == nil && uint64(info.Mode)&0o7777 != uint64(f.Perm) {
		err = d.chmod(fd, f.Name, f.Perm)
		if err == nil && d.KeepStat {
			err = unix.Fstat(fd, &info) // the time of the change is another now
		}
	}
	d.Last = statOf(&info)
	if err = errors.Join(err, unix.Close(fd)); err == nil {
		err = d.settle(f)
	}
	return fileError("write", f.Name, err)
}

// Remove takes a file away and says how many bytes it had.
func (d *Dir) Remove(f File) (int64, error) {
	dir, err := d.fd(f.Dir)
	if err != nil {
		return 0, err
	}
	var info unix.Stat_t
	if err := fstatat(dir, f.Name, &info); err != nil {
		return 0, fileError("stat", f.Name, err)
	}
	return info.Size, fileError("remove", f.Name, unix.Unlinkat(dir, f.Name, 0))
}

// Symlink makes a link, which nothing here will follow.
func (d *Dir) Symlink(f File, target string) error {
	dir, err := d.fd(f.Dir)
	if err != nil {
		return err
	}
	at, name := dir, f.Name
	if d.staged != "" {
		at, name = d.stage, d.staged
	}
	if err = d.fails("symlink", f.Name); err == nil {
		err = unix.Symlinkat(target, at, name)
	}
	if err == nil && d.Owner != nil {
		err = unix.Fchownat(at, name, d.Owner.UID, d.Owner.GID, unix.AT_SYMLINK_NOFOLLOW)
	}
	if err == nil {
		err = d.settle(f)
	}
	if err == nil && d.KeepStat {
		var info unix.Stat_t
		err = fstatat(dir, f.Name, &info)
		d.Last = statOf(&info)
	}
	return fileError("symlink", f.Name, err)
}

func openat(dir int, name string, flags int, perm uint32) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, flags|unix.O_CLOEXEC, perm)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return fd, fileError("open", name, err)
	}
}

// fdWriter writes to a file that was just made.
type fdWriter struct {
	dir  *Dir
	fd   int
	name string
}

func (w fdWriter) Write(p []byte) (int, error) {
	if err := w.dir.fails("write", w.name); err != nil {
		return 0, err
	}
	written := 0
	for written < len(p) {
		n, err := unix.Write(w.fd, p[written:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err == nil && n == 0 {
			err = io.ErrShortWrite
		}
		if err != nil {
			return written, fileError("write", w.name, err)
		}
		written += n
	}
	return written, nil
}
