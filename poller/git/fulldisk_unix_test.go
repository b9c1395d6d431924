//go:build unix

package git

import (
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// TestFullDisk has the disk be full though there was room, at every kind of step
// that writes. Nothing half stays, and when there is room again all goes on.
func TestFullDisk(t *testing.T) {
	r := gittest.New(t)
	small := r.Commit(map[string]string{"a": "1"})
	large := r.Commit(randomFiles(12, 40_000, 1)) // which comes in several pieces
	for name, c := range map[string]struct {
		kept     bool // what the mirror keeps, or the files of the checkout
		op, part string
		well     int32 // steps before
		adopted  bool  // the pack is whole when it happens
	}{
		"pack":                {kept: true, op: "open", part: "pack"},
		"amid the pack":       {kept: true, op: "write", part: "tmp_pack_", well: 1},
		"list of shallow":     {kept: true, op: "write", part: "shallow"},
		"index":               {kept: true, op: "write", part: ".idx"},
		"refs":                {kept: true, op: "write", part: "packed-refs", adopted: true},
		"directory":           {op: "mkdir", adopted: true},
		"file":                {op: "open", adopted: true},
		"amid the files":      {op: "open", well: 8, adopted: true},
		"content of the last": {op: "write", part: "f11", adopted: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, parent := overHTTP(t, r), t.TempDir()
			var steps atomic.Int32
			m.fail = func(op, path string) error {
				if op == c.op && strings.Contains(filepath.Base(path), c.part) && filepath.IsAbs(path) == c.kept && steps.Add(1) > c.well {
					return syscall.ENOSPC
				}
				return nil
			}
			dir := filepath.Join(parent, "workdir")
			err := m.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: large}, dir, Options{})
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("%v, want a full disk", err)
			}
			full := parent
			if c.kept {
				full = m.Dir
			}
			for _, want := range []string{"MB are free in " + full, "make room"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if !c.adopted {
				nothingHalf(t, m, parent)
			} else if left, _ := filepath.Glob(filepath.Join(parent, "*")); len(left) > 0 {
				t.Errorf("%q are left", left)
			}
			m.fail = nil
			if err := m.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: small}, dir, Options{}); err != nil {
				t.Fatalf("a small revision afterwards: %v", err)
			}
			mustEqual(t, m, r, large)
			mustBeSound(t, m)
		})
	}
}
