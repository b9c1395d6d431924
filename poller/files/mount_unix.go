//go:build unix && !linux

package files

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// MountBelow returns a mount point in dir, or "": a folder on another device.
func MountBelow(dir string) (string, error) {
	info, err := os.Lstat(dir)
	if os.IsNotExist(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	device := info.Sys().(*syscall.Stat_t).Dev
	var found string
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return nil //nolint:nilerr // what cannot be read has no part in this
		}
		if info, err := entry.Info(); err == nil && info.Sys().(*syscall.Stat_t).Dev != device {
			found = path
			return fs.SkipAll
		}
		return nil
	})
	return found, nil
}
