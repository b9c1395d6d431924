//go:build unix

package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStorableWhereNobodyElseWrites has root store no key where somebody else
// could put another one.
func TestStorableWhereNobodyElseWrites(t *testing.T) {
	for name, c := range map[string]struct {
		uid  int
		mode os.FileMode
		ok   bool
	}{"mine": {0, 0o755, true}, "open": {0, 0o777, false}, "sticky": {0, os.ModeSticky | 0o777, true}, "theirs": {12345, 0o755, false}} {
		dir := t.TempDir()
		if os.Geteuid() == 0 {
			if err := os.Chown(dir, c.uid, c.uid); err != nil {
				t.Fatal(err)
			}
		} else {
			c.ok = true // who is not root is told by others
		}
		if err := os.Chmod(dir, c.mode); err != nil {
			t.Fatal(err)
		}
		err := Storable(filepath.Join(dir, "kitops"))
		if (err == nil) != c.ok || err != nil && !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
