package safedir

import (
	"golang.org/x/sys/unix"
)

// Take moves a file out of another directory to its place in this one, if it is still what unchanged knows, has no other
// name, and nobody in any namespace has it open or mapped. It holds a lease on the file from before it looks until it knows
// what has come to the new place, see fcntl(2), F_SETLEASE. It returns false where any of that is not so, or cannot be
// told, and then there is nothing at the place. Last is what the file is now.
func (d *Dir) Take(from *Dir, source, f File, unchanged func(*Info) bool) (bool, error) {
	old, err := from.fd(source.Dir)
	if err != nil {
		return false, nil
	}
	fd, err := openat(old, source.Name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return false, nil
	}
	defer func() { _ = unix.Close(fd) }() // and with it the lease
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		return false, nil
	}
	before, err := infoOf(fd, f.Name)
	if err != nil || before.Kind != Regular || before.Linked || before.Perm != f.Perm || !before.BelongsTo(d.Owner) || !unchanged(&before) {
		return false, err
	}
	dir, err := d.fd(f.Dir)
	if err != nil {
		return false, err
	}
	if err := d.fails("move", f.Name); err != nil {
		return false, err
	}
	if unix.Renameat2(old, source.Name, dir, f.Name, unix.RENAME_NOREPLACE) != nil {
		return false, nil
	}
	after, err := d.Look(f.Dir, f.Name)
	is, was := after, before
	is.Stat.Ctime, was.Stat.Ctime = Time{}, Time{} // a rename is a change
	if err != nil || is != was || !leased(fd) {
		return false, d.RemoveAll(f.Dir, f.Name)
	}
	d.Last = after.Stat
	return true, nil
}

// leased tells whether nobody has tried to open the file since.
func leased(fd int) bool {
	kind, err := unix.FcntlInt(uintptr(fd), unix.F_GETLEASE, 0)
	return err == nil && kind == unix.F_WRLCK
}
