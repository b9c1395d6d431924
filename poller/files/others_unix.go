//go:build !windows

package files

import (
	"io/fs"
	"os"
	"syscall"
)

// OpenToOthers tells whether a file of kitops' own user lets others in, which is
// where OpenSSH does not use a private key. A file of another user's is his affair.
func OpenToOthers(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid() && info.Mode().Perm()&0o077 != 0
}

// Linked tells whether a file has a second name, under which somebody keeps it as it is.
func Linked(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink > 1
}
