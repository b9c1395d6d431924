package upgrade

import (
	"path/filepath"
	"slices"
	"testing"
)

// TestSwapsOfWindows give each old program a name of its own, keep the last one, and bring it back.
func TestSwapsOfWindows(t *testing.T) {
	t.Parallel()
	target := filepath.Join(t.TempDir(), "kitops.exe")
	put(t, target, "1")
	for _, next := range []string{"2", "3", "4"} {
		swap := &Swap{Target: target}
		file, err := swap.begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteString(next); err != nil {
			t.Fatal(err)
		}
		if err := swap.seal(file); err != nil {
			t.Fatal(err)
		}
		if err := swap.finish(file.Name()); err != nil {
			t.Fatal(err)
		}
	}
	last := &Swap{Target: target}
	olds := last.olds()
	if content(t, target) != "4" || content(t, last.Old()) != "3" || len(slices.Compact(olds)) != 2 {
		t.Fatalf("%s, after %s, of %q", content(t, target), content(t, last.Old()), olds)
	}
	last.sweep()
	if olds := last.olds(); len(olds) != 1 || olds[0] != last.Old() {
		t.Errorf("swept to %q", olds)
	}
	if err := last.Restore(); err != nil || content(t, target) != "3" {
		t.Errorf("restored %q, %v", content(t, target), err)
	}
}
