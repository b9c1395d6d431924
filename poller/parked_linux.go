package poller

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/git"
)

// parkable knows the file systems whose times of change and leases are right.
func parkable(system int64) bool {
	switch system {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, zfsMagic, unix.TMPFS_MAGIC:
		return true
	}
	return false
}

const zfsMagic = 0x2fc12fc1

// stampHost tells how things are for a directory, or why that cannot be told.
func stampHost(tree string) (s stampOfHost, err error) {
	var system unix.Statfs_t
	if err := unix.Statfs(tree, &system); err != nil {
		return s, err
	}
	if !parkable(int64(system.Type)) { //nolint:unconvert // the types differ between architectures
		return s, fmt.Errorf("file system %#x", system.Type)
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return s, err
	}
	var set, booted unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_REALTIME, &set); err != nil {
		return s, err
	}
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &booted); err != nil {
		return s, err
	}
	file, err := os.Open(git.RecordPath(tree))
	if err != nil {
		return s, err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return s, err
	}
	return stampOfHost{strings.TrimSpace(string(boot)), time.Duration(set.Nano() - booted.Nano()), hex.EncodeToString(sum.Sum(nil))}, nil
}

// bound tells whether something of a directory can be reached by a mount at
// another place, or that it cannot be told. Nobody has it open then, until the
// one who has the mount does.
func bound(dir string) bool {
	elsewhere, err := files.BoundElsewhere(dir)
	return err != nil || elsewhere
}
