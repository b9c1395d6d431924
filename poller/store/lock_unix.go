//go:build unix

package store

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// tryLock takes the kernel lock of an open file (flock(2)), false when another has it.
func tryLock(file *os.File) (bool, error) {
	return lockWith(func() error { return unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB) })
}

// lockWith repeats a call that a signal interrupts, as a network file system lets it.
func lockWith(flock func() error) (bool, error) {
	for {
		switch err := flock(); {
		case err == nil:
			return true, nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return false, nil
		default:
			return false, explainLock(err)
		}
	}
}

// gone tells whether there is no such process.
func gone(pid int) bool { return errors.Is(unix.Kill(pid, 0), unix.ESRCH) }
