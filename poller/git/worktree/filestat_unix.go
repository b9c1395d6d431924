//go:build unix

package worktree

import (
	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/poller/git/index"
)

// StatOf is what an index keeps of a file.
func StatOf(info *unix.Stat_t) index.FileStat {
	return index.FileStat{
		Ctime: timeOf(info.Ctim), Mtime: timeOf(info.Mtim),
		Dev: uint32(info.Dev), Ino: uint32(info.Ino), Uid: info.Uid, Gid: info.Gid, Size: index.StatSize(info.Size),
	}
}

func timeOf(t unix.Timespec) index.FileTime {
	sec, nsec := t.Unix()
	return index.FileTime{Sec: uint32(sec), Nsec: uint32(nsec)}
}
