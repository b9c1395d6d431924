package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// SpaceOf says what room the file system of a directory has, which must exist.
func SpaceOf(dir string) (Space, error) {
	var s Space
	name, err := windows.UTF16PtrFromString(dir)
	if err == nil {
		err = windows.GetDiskFreeSpaceEx(name, &s.Free, &s.Total, nil)
	}
	if err != nil {
		return Space{}, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return s, nil
}

// Full tells whether a write failed for want of room.
func Full(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}
