package gittest

import (
	"encoding/binary"
	"io/fs"
	"syscall"
)

// statOf is what an index keeps of a file to know it again, with its mode in a
// tree: times, device, inode, mode, owner and length (gitformat-index).
func statOf(info fs.FileInfo, mode uint32) (stat [statSize]byte, err error) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return stat, errUnusual
	}
	for i, n := range []uint64{
		uint64(s.Ctim.Sec), uint64(s.Ctim.Nsec), uint64(s.Mtim.Sec), uint64(s.Mtim.Nsec),
		s.Dev, s.Ino, uint64(mode), uint64(s.Uid), uint64(s.Gid), uint64(s.Size),
	} {
		binary.BigEndian.PutUint32(stat[4*i:], uint32(n))
	}
	return stat, nil
}
