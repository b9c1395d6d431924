//go:build unix

package files

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Usage returns how many bytes of the disk a directory takes with all that is
// in it. It follows no link.
func Usage(path string) (int64, error) {
	dir, err := os.OpenFile(path, unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return 0, err
	}
	return usage(dir, 0)
}

func usage(dir *os.File, depth int) (sum int64, err error) {
	defer func() { err = errors.Join(err, dir.Close()) }()
	if depth > maxDepth {
		return 0, unix.ENAMETOOLONG
	}
	for {
		entries, err := dir.ReadDir(batch)
		for _, entry := range entries {
			var info unix.Stat_t
			if err := unix.Fstatat(int(dir.Fd()), entry.Name(), &info, unix.AT_SYMLINK_NOFOLLOW); err != nil {
				return 0, err
			}
			sum += info.Blocks * 512
			if info.Mode&unix.S_IFMT != unix.S_IFDIR {
				continue
			}
			fd, err := unix.Openat(int(dir.Fd()), entry.Name(), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
			if err != nil {
				return 0, err
			}
			below, err := usage(os.NewFile(uintptr(fd), entry.Name()), depth+1)
			if err != nil {
				return 0, err
			}
			sum += below
		}
		if errors.Is(err, io.EOF) {
			return sum, nil
		}
		if err != nil {
			return 0, err
		}
	}
}
