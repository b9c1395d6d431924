//go:build unix

package files

import (
	"errors"
	"os"
	"syscall"
)

// SyncDir makes a rename in dir outlive a power cut.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if errors.Is(err, os.ErrPermission) {
		return nil // writable but not readable: nothing more can be done
	}
	if err != nil {
		return err
	}
	defer d.Close()
	// Some network and FUSE file systems have no such thing.
	if err := d.Sync(); !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}
