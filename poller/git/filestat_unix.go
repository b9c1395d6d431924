//go:build unix

package git

import "golang.org/x/sys/unix"

// statOf is what an index keeps of a file.
func statOf(info *unix.Stat_t) fileStat {
	return fileStat{
		ctime: timeOf(info.Ctim), mtime: timeOf(info.Mtim),
		dev: uint32(info.Dev), ino: uint32(info.Ino), uid: info.Uid, gid: info.Gid, size: statSize(info.Size),
	}
}

func timeOf(t unix.Timespec) fileTime {
	sec, nsec := t.Unix()
	return fileTime{uint32(sec), uint32(nsec)}
}
