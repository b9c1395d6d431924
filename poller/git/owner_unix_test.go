//go:build unix

package git

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/safedir"
)

// anotherOwner is one that the test may give files to.
func anotherOwner() *safedir.Owner {
	if os.Getuid() == 0 {
		return &safedir.Owner{UID: 12345, GID: 23456}
	}
	return &safedir.Owner{UID: os.Getuid(), GID: os.Getgid()}
}

func mustOwn(t *testing.T, dir string, owner *safedir.Owner) {
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
	sha := gittest.OddTree(t, r)
	for _, way := range both() {
		m := ways()[way](t, r)
		dir := filepath.Join(t.TempDir(), "workdir")
		if err := m.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: sha}, dir, Options{Owner: anotherOwner()}); err != nil {
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
	err := mirrorOf(t, r.Dir).Checkout(gittest.Generous(t), refs.Revision{SHA: sha}, filepath.Join(t.TempDir(), "workdir"), Options{Owner: &safedir.Owner{UID: 12345, GID: 23456}})
	if err == nil {
		t.Error("gave files away without being allowed to")
	}
}
