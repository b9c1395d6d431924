//go:build unix

package main

import "golang.org/x/sys/unix"

// freeSpace is how many bytes the agent may still write in a directory.
func freeSpace(dir string) (uint64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return 0, err
	}
	return uint64(max(stat.Bavail, 0)) * uint64(stat.Bsize), nil //nolint:unconvert // the types differ between systems
}
