//go:build unix

package disk

import (
	"errors"

	"golang.org/x/sys/unix"
)

// SpaceOf says what room the file system of a directory has, which must exist.
func SpaceOf(dir string) (Space, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return Space{}, FileError("statfs", dir, err)
	}
	block := uint64(stat.Bsize)
	return Space{Free: uint64(max(stat.Bavail, 0)) * block, Total: stat.Blocks * block}, nil //nolint:unconvert // the types differ between systems
}

// Full tells whether a write failed for want of room.
func Full(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }
