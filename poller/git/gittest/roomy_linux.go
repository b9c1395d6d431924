package gittest

import (
	"os"
	"syscall"
)

// roomy tells whether a directory is in memory with room for all tests, and
// programs may be run from there. Containers have often 64 MB and no programs.
func roomy(dir string) bool {
	const tmpfs, noExec, enough = 0x01021994, 0x8, 2 << 30
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil || s.Type != tmpfs || s.Flags&noExec != 0 {
		return false
	}
	probe, err := os.MkdirTemp(dir, "gittest-*")
	return err == nil && os.Remove(probe) == nil && s.Bavail*uint64(s.Bsize) >= enough
}
