//go:build unix

package files

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// TryLock takes the kernel lock of an open file (flock(2)), which its closing gives back. It
// is false when another open file has it, in this process, too.
func TryLock(file *os.File) (bool, error) {
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
			return false, err
		}
	}
}
