//go:build unix

package safedir

import "golang.org/x/sys/unix"

func statOf(info *unix.Stat_t) Stat {
	return Stat{
		Ctime: timeOf(info.Ctim), Mtime: timeOf(info.Mtim),
		Dev: uint32(info.Dev), Ino: uint32(info.Ino), UID: info.Uid, GID: info.Gid, Size: info.Size,
	}
}

func timeOf(t unix.Timespec) Time {
	sec, nsec := t.Unix()
	return Time{Sec: uint32(sec), Nsec: uint32(nsec)}
}
