package disk

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestSpaceOf asks a file system of 8 MB, if this user may make one, and any
// other if not.
func TestSpaceOf(t *testing.T) {
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m")
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		if s, err := SpaceOf(dir); err != nil || s.Total == 0 || s.Free > s.Total {
			t.Errorf("%+v, %v", s, err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	const mb = 1 << 20
	room := &FreeSpace{Dir: dir, Space: SpaceOf}
	if s, err := SpaceOf(dir); err != nil || s != (Space{Free: 8 * mb, Total: 8 * mb}) {
		t.Errorf("empty: %+v, %v", s, err)
	}
	if err := room.Take(7 * mb); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), make([]byte, mb), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := SpaceOf(dir); err != nil || s != (Space{Free: 7 * mb, Total: 8 * mb}) {
		t.Errorf("with a file of 1 MB: %+v, %v", s, err)
	}
	if err := room.Take(7 * mb); !errors.Is(err, ErrNoRoom) {
		t.Errorf("as much as is free: %v", err)
	}
}
