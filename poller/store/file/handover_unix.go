//go:build unix

package file

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Keep returns a second descriptor of the lock's file, closed by exec(3) as all
// are: for as long as it is open the lock is held, also after Release.
func (l *Lock) Keep() (*os.File, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil, errors.New("the lock is released")
	}
	fd, err := unix.FcntlInt(l.file.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), l.path), nil
}
