//go:build unix

package local

import (
	"errors"

	"golang.org/x/sys/unix"
)

// isLoop tells a link that leads to itself.
func isLoop(err error) bool { return errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR) }
