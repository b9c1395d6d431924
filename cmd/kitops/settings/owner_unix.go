//go:build unix

package settings

import (
	"os"
	"syscall"
)

func sameOwner(a, b os.FileInfo) bool {
	first, ok := a.Sys().(*syscall.Stat_t)
	second, also := b.Sys().(*syscall.Stat_t)
	return ok && also && first.Uid == second.Uid
}
