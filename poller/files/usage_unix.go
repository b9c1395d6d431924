//go:build unix

package files

import (
	"context"
	"errors"
	"io"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// Usage returns how many bytes of the disk a directory takes with all that is
// in it. It follows no link.
func Usage(path string) (int64, error) {
	return measure(path, &meter{stopped: func() error { return nil }, limit: math.MaxInt64})
}

// Grown is Usage of a directory in which others are at work: what goes away
// meanwhile is not counted, nor is what is mounted there, and a file with several
// names counts once. It stops at the first byte beyond a limit, and where ctx is done.
func Grown(ctx context.Context, path string, limit int64) (int64, error) {
	return measure(path, &meter{stopped: ctx.Err, limit: limit, moving: true, seen: map[[2]uint64]bool{}})
}

// meter adds up what files take.
type meter struct {
	stopped func() error
	limit   int64
	moving  bool // others change what is measured
	seen    map[[2]uint64]bool
	device  uint64
	sum     int64
}

func measure(path string, m *meter) (int64, error) {
	dir, err := os.OpenFile(path, unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return 0, err
	}
	var info unix.Stat_t
	if err := unix.Fstat(int(dir.Fd()), &info); err != nil {
		return 0, errors.Join(err, dir.Close())
	}
	m.device = uint64(info.Dev) //nolint:unconvert // it is no uint64 everywhere
	err = m.add(dir, 0)
	return m.sum, err
}

func (m *meter) add(dir *os.File, depth int) (err error) {
	defer func() { err = errors.Join(err, dir.Close()) }()
	if depth > maxDepth {
		return ErrDeep
	}
	for m.sum <= m.limit {
		if err := m.stopped(); err != nil {
			return err
		}
		entries, err := dir.ReadDir(batch)
		for _, entry := range entries {
			if err := m.count(dir, entry.Name(), depth); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || m.gone(err) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *meter) count(dir *os.File, name string, depth int) error {
	var info unix.Stat_t
	if err := unix.Fstatat(int(dir.Fd()), name, &info, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		if m.gone(err) {
			return nil
		}
		return err
	}
	inside := info.Mode&unix.S_IFMT == unix.S_IFDIR
	device := uint64(info.Dev) //nolint:unconvert // as above
	if m.moving && device != m.device {
		return nil
	}
	if m.seen != nil && !inside && info.Nlink > 1 {
		id := [2]uint64{device, info.Ino}
		if m.seen[id] {
			return nil
		}
		m.seen[id] = true
	}
	m.sum += info.Blocks * 512
	if !inside || m.sum > m.limit {
		return nil
	}
	fd, err := unix.Openat(int(dir.Fd()), name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if m.gone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return m.add(os.NewFile(uintptr(fd), name), depth+1)
}

// gone tells an error that says that somebody has removed or changed a file meanwhile, or keeps it from being read by
// whom it belongs to.
func (m *meter) gone(err error) bool {
	return m.moving && (errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) || errors.Is(err, unix.EACCES))
}
