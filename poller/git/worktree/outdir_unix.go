//go:build unix

package worktree

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/index"
)

const keptDirs = 16 // descriptors of directories kept open, for each writer

// outDir writes into one directory. Each step goes down from a directory that
// is open, by one name, and follows no link: whatever a tree or another process
// puts in the way, nothing lands outside. It is for one goroutine.
type outDir struct {
	plan  *Plan
	root  int
	owner *Owner         // whom to give what is made; nil: leave it
	stats bool           // keep last
	last  index.FileStat // of the file made last
	Dev   int64          // of the directory, if it is one that was there

	stage  int    // where a file is made before it takes its place, as staged
	staged string // "": at its place
	kept   [keptDirs]struct {
		dir int32 // 0: none
		fd  int
	}
	next int
}

// OpenOutDir opens a directory to write a plan into.
func OpenOutDir(path string, p *Plan) (*outDir, error) {
	root, err := openat(unix.AT_FDCWD, path, unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	return &outDir{plan: p, root: root}, nil
}

func (o *outDir) Close() {
	for _, kept := range o.kept {
		if kept.dir != 0 {
			_ = unix.Close(kept.fd)
		}
	}
	if o.staged != "" {
		_ = unix.Close(o.stage)
	}
	_ = unix.Close(o.root)
}

// fd is a directory of the plan, open until others have taken its place.
func (o *outDir) fd(dir int32) (int, error) {
	if dir == 0 {
		return o.root, nil
	}
	for _, kept := range o.kept {
		if kept.dir == dir {
			return kept.fd, nil
		}
	}
	parent, err := o.fd(o.plan.Dirs[dir].parent)
	if err != nil {
		return -1, err
	}
	fd, err := openat(parent, o.plan.Dirs[dir].name, unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return -1, err
	}
	slot := &o.kept[o.next]
	o.next = (o.next + 1) % keptDirs
	if slot.dir != 0 {
		_ = unix.Close(slot.fd)
	}
	slot.dir, slot.fd = dir, fd
	return fd, nil
}

// mkdir makes a directory of the plan; the umask of the agent is no part of
// the revision.
func (o *outDir) mkdir(dir int32) error {
	d := o.plan.Dirs[dir]
	if dir == 0 {
		return errors.Join(disk.FileError("chmod", ".", unix.Fchmod(o.root, 0o755)), o.own(o.root, "."))
	}
	parent, err := o.fd(d.parent)
	if err != nil {
		return err
	}
	if err := unix.Mkdirat(parent, d.name, 0o755); err != nil {
		return disk.FileError("mkdir", d.name, err)
	}
	fd, err := o.fd(dir)
	if err != nil {
		return err
	}
	if err := o.own(fd, d.name); err != nil {
		return err
	}
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil || info.Mode&0o7777 == 0o755 {
		return disk.FileError("stat", d.name, err)
	}
	return disk.FileError("chmod", d.name, unix.Fchmod(fd, 0o755))
}

// own gives a file or directory that was just made to its owner.
func (o *outDir) own(fd int, name string) error {
	if o.owner == nil {
		return nil
	}
	return disk.FileError("chown", name, unix.Fchown(fd, o.owner.UID, o.owner.GID))
}

// write makes a file of the plan and says so only when all of it is there.
func (o *outDir) write(f PlanFile, content []byte) error {
	fd, err := o.create(f)
	if err != nil {
		return err
	}
	if _, err := writeFull(fd, content); err != nil {
		_ = unix.Close(fd)
		return disk.FileError("write", f.Name, err)
	}
	return o.finish(fd, f, int64(len(content)))
}

// stream is write for content that fill brings in pieces.
func (o *outDir) stream(f PlanFile, fill func(io.Writer) (int64, error)) error {
	fd, err := o.create(f)
	if err != nil {
		return err
	}
	size, err := fill(fdWriter(fd))
	if err != nil {
		_ = unix.Close(fd)
		return err
	}
	return o.finish(fd, f, size)
}

func (o *outDir) create(f PlanFile) (int, error) {
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW
	if o.staged != "" {
		return openat(o.stage, o.staged, flags, f.perm())
	}
	dir, err := o.fd(f.Dir)
	if err != nil {
		return -1, err
	}
	return openat(dir, f.Name, flags, f.perm())
}

func (o *outDir) finish(fd int, f PlanFile, size int64) error {
	var info unix.Stat_t
	err := o.own(fd, f.Name) // which can take bits of the mode
	if err == nil {
		err = unix.Fstat(fd, &info)
	}
	if err == nil && info.Size != size {
		err = io.ErrShortWrite
	}
	if err == nil && uint64(info.Mode)&0o7777 != uint64(f.perm()) {
		err = unix.Fchmod(fd, f.perm())
		if err == nil && o.stats {
			err = unix.Fstat(fd, &info) // the time of the change is another now
		}
	}
	o.last = StatOf(&info)
	if err = errors.Join(err, unix.Close(fd)); err == nil {
		err = o.settle(f)
	}
	return disk.FileError("write", f.Name, err)
}

// remove takes a file of the plan away and says how many bytes it had.
func (o *outDir) remove(f PlanFile) (int64, error) {
	dir, err := o.fd(f.Dir)
	if err != nil {
		return 0, err
	}
	var info unix.Stat_t
	if err := fstatat(dir, f.Name, &info); err != nil {
		return 0, disk.FileError("stat", f.Name, err)
	}
	return info.Size, disk.FileError("remove", f.Name, unix.Unlinkat(dir, f.Name, 0))
}

func (o *outDir) symlink(f PlanFile, target string) error {
	dir, err := o.fd(f.Dir)
	if err != nil {
		return err
	}
	at, name := dir, f.Name
	if o.staged != "" {
		at, name = o.stage, o.staged
	}
	err = unix.Symlinkat(target, at, name)
	if err == nil && o.owner != nil {
		err = unix.Fchownat(at, name, o.owner.UID, o.owner.GID, unix.AT_SYMLINK_NOFOLLOW)
	}
	if err == nil {
		err = o.settle(f)
	}
	if err == nil && o.stats {
		var info unix.Stat_t
		err = fstatat(dir, f.Name, &info)
		o.last = StatOf(&info)
	}
	return disk.FileError("symlink", f.Name, err)
}

func openat(dir int, name string, flags int, perm uint32) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, flags|unix.O_CLOEXEC, perm)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return fd, disk.FileError("open", name, err)
	}
}

type fdWriter int

func (w fdWriter) Write(p []byte) (int, error) {
	n, err := writeFull(int(w), p)
	return n, disk.FileError("write", "", err)
}

func writeFull(fd int, p []byte) (int, error) {
	written := 0
	for written < len(p) {
		n, err := unix.Write(fd, p[written:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err == nil && n == 0 {
			err = io.ErrShortWrite
		}
		if err != nil {
			return written, err
		}
		written += n
	}
	return written, nil
}
