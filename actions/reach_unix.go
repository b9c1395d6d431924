//go:build !windows

package actions

import (
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// MayRead tells whether the user can read a file, by the permission bits of it
// and of all directories above it. What cannot be examined nobody can read.
func (u *User) MayRead(path string) bool {
	path, err := filepath.Abs(path)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil || !u.permitted(path, 4) {
		return false
	}
	for path != filepath.Dir(path) {
		path = filepath.Dir(path)
		if !u.permitted(path, 1) {
			return false
		}
	}
	return true
}

// permitted asks for some of the bits rwx in the class that the user is in.
func (u *User) permitted(path string, bits os.FileMode) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	mode := info.Mode().Perm()
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case u.UID == 0:
		return true
	case ok && int(stat.Uid) == u.UID:
		mode >>= 6
	case ok && (int(stat.Gid) == u.GID || slices.Contains(u.Groups, int(stat.Gid))):
		mode >>= 3
	}
	return mode&bits == bits
}
