//go:build unix && !linux

package files

import "golang.org/x/sys/unix"

// mountID tells one mount from another.
type mountID struct{ device uint64 }

func identify(fd int) (id mountID, perm uint32, err error) {
	var info unix.Stat_t
	err = retried(func() error { return unix.Fstat(fd, &info) })
	return mountID{uint64(info.Dev)}, uint32(info.Mode), err //nolint:unconvert // the types differ by system
}
