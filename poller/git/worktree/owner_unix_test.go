//go:build unix

package worktree

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/safedir"
)

// TestStatsOfOwner keeps what files are like after they have been given away.
func TestStatsOfOwner(t *testing.T) {
	r := gittest.New(t)
	sha := gittest.OddTree(t, r)
	owner := &safedir.Owner{UID: os.Getuid(), GID: os.Getgid()}
	if os.Getuid() == 0 {
		owner = &safedir.Owner{UID: 12345, GID: 23456}
	}
	dir := t.TempDir()
	w := writeStats(t, r, sha, dir, owner)
	for i, f := range w.Plan.Files {
		var is unix.Stat_t
		if err := unix.Lstat(filepath.Join(dir, w.Plan.FilePath(f)), &is); err != nil {
			t.Fatal(err)
		}
		if w.Found[i] != statFrom(&is) {
			t.Errorf("%s: kept %v, is %v", f.Name, w.Found[i], is)
		}
	}
}

// statFrom is what an index keeps of a file.
func statFrom(info *unix.Stat_t) index.FileStat {
	return index.FileStat{
		Ctime: index.FileTime{Sec: uint32(info.Ctim.Sec), Nsec: uint32(info.Ctim.Nsec)}, Mtime: index.FileTime{Sec: uint32(info.Mtim.Sec), Nsec: uint32(info.Mtim.Nsec)},
		Dev: uint32(info.Dev), Ino: uint32(info.Ino), Uid: info.Uid, Gid: info.Gid, Size: index.StatSize(info.Size),
	}
}
