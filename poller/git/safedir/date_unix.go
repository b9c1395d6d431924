//go:build unix

package safedir

import (
	"time"

	"golang.org/x/sys/unix"
)

// date dates a file back that was just made.
func (d *Dir) date(f File) error {
	dir, name := d.stage, d.staged
	if name == "" {
		var err error
		if dir, err = d.fd(f.Dir); err != nil {
			return err
		}
		name = f.Name
	}
	at := unix.NsecToTimespec(time.Now().Add(-back).UnixNano())
	return unix.UtimesNanoAt(dir, name, []unix.Timespec{at, at}, unix.AT_SYMLINK_NOFOLLOW)
}
