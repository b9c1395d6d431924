//go:build unix

package git

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// anotherOwner is one that the test may give files to.
func anotherOwner() *Owner {
	if os.Getuid() == 0 {
		return &Owner{UID: 12345, GID: 23456}
	}
	return &Owner{UID: os.Getuid(), GID: os.Getgid()}
}

func mustOwn(t *testing.T, dir string, owner *Owner) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if is := info.Sys().(*syscall.Stat_t); int(is.Uid) != owner.UID || int(is.Gid) != owner.GID {
			t.Errorf("%s belongs to %d:%d", path, is.Uid, is.Gid)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOwner(t *testing.T) {
	r := gittest.New(t)
	sha := oddTree(t, r)
	for _, way := range []string{"path", "http"} {
		m := ways()[way](t, r)
		dir := filepath.Join(t.TempDir(), "workdir")
		if err := m.Checkout(generous(t), Revision{Ref: "refs/heads/main", SHA: sha}, dir, Options{Owner: anotherOwner()}); err != nil {
			t.Fatal(err)
		}
		mustOwn(t, dir, anotherOwner())
		if info, err := os.Stat(filepath.Join(dir, "run")); err != nil || info.Mode() != 0o755 {
			t.Errorf("run: %v, %v", info, err)
		}
	}
	if os.Getuid() == 0 {
		return
	}
	err := mirror(t, r.Dir).Checkout(generous(t), Revision{SHA: sha}, filepath.Join(t.TempDir(), "workdir"), Options{Owner: &Owner{UID: 12345, GID: 23456}})
	if err == nil {
		t.Error("gave files away without being allowed to")
	}
}

// TestStatsOfOwner keeps what files are like after they have been given away.
func TestStatsOfOwner(t *testing.T) {
	r := gittest.New(t)
	sha := oddTree(t, r)
	owner := &Owner{UID: os.Getuid(), GID: os.Getgid()}
	if os.Getuid() == 0 {
		owner = &Owner{UID: 12345, GID: 23456}
	}
	dir := t.TempDir()
	w := writeStats(t, r, sha, dir, owner)
	for i, f := range w.plan.files {
		var is unix.Stat_t
		if err := unix.Lstat(filepath.Join(dir, w.plan.filePath(f)), &is); err != nil {
			t.Fatal(err)
		}
		if w.found[i] != statOf(&is) {
			t.Errorf("%s: kept %v, is %v", f.name, w.found[i], is)
		}
	}
}
