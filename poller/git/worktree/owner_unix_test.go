//go:build unix

package worktree

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// TestStatsOfOwner keeps what files are like after they have been given away.
func TestStatsOfOwner(t *testing.T) {
	r := gittest.New(t)
	sha := gittest.OddTree(t, r)
	owner := &Owner{UID: os.Getuid(), GID: os.Getgid()}
	if os.Getuid() == 0 {
		owner = &Owner{UID: 12345, GID: 23456}
	}
	dir := t.TempDir()
	w := writeStats(t, r, sha, dir, owner)
	for i, f := range w.Plan.Files {
		var is unix.Stat_t
		if err := unix.Lstat(filepath.Join(dir, w.Plan.FilePath(f)), &is); err != nil {
			t.Fatal(err)
		}
		if w.Found[i] != StatOf(&is) {
			t.Errorf("%s: kept %v, is %v", f.Name, w.Found[i], is)
		}
	}
}
