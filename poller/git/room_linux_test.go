package git

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// smallDisk is a file system of 8 MB, if this user may make one.
func smallDisk(t *testing.T) (dir string, made bool) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		if !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.EACCES) {
			t.Fatal(err)
		}
		return "", false // TestNoRoom must do
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir, true
}

// TestFullDisk has a disk fill in truth: while nobody looks, and while the room
// on it is watched.
func TestFullDisk(t *testing.T) {
	mount, made := smallDisk(t)
	if !made {
		return
	}
	r := gittest.New(t)
	small := r.Commit(map[string]string{"a": "1"})
	large := r.Commit(randomFiles(12, 1<<20, 1))
	blind := func(string) (disk.Space, error) { return disk.Space{}, nil }
	for name, c := range map[string]struct {
		mirror, files bool // on the small disk
		space         func(string) (disk.Space, error)
		want          error
	}{
		"pack":          {true, false, blind, syscall.ENOSPC},
		"files":         {false, true, blind, syscall.ENOSPC},
		"pack watched":  {true, false, nil, disk.ErrNoRoom},
		"files watched": {false, true, nil, disk.ErrNoRoom},
	} {
		t.Run(name, func(t *testing.T) {
			m, parent := overHTTP(t, r), t.TempDir()
			if c.mirror {
				m.Dir = filepath.Join(mount, "mirrors", name)
			}
			if c.files {
				parent = filepath.Join(mount, "workdirs", name)
			}
			m.space = c.space
			dir := filepath.Join(parent, "workdir")
			err := m.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: large}, dir, Options{})
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			for _, want := range []string{"MB are free in " + mount, "make room"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if c.mirror {
				nothingHalf(t, m, parent)
			} else if left, _ := filepath.Glob(filepath.Join(parent, "*")); len(left) > 0 {
				t.Errorf("%q are left", left)
			}
			if err := m.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: small}, dir, Options{}); err != nil {
				t.Fatalf("a small revision afterwards: %v", err)
			}
			mustBeSound(t, m)
			if err := os.RemoveAll(filepath.Join(mount, "mirrors")); err != nil {
				t.Fatal(err)
			}
		})
	}
}
