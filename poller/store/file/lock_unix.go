//go:build unix

package file

import (
	"errors"

	"golang.org/x/sys/unix"
)

// gone tells whether there is no such process.
func gone(pid int) bool { return errors.Is(unix.Kill(pid, 0), unix.ESRCH) }
