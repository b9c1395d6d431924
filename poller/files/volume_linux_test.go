package files_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/poller/files"
)

// TestAVolumeOfRootsIsMadeSticky has root use what Kubernetes mounts for a
// container: an emptyDir, which is everybody's, and a volume of an fsGroup.
func TestAVolumeOfRootsIsMadeSticky(t *testing.T) {
	for name, mode := range map[string]fs.FileMode{"emptyDir": 0o777, "fsGroup": 0o775 | fs.ModeSetgid} {
		above := t.TempDir()
		volume := filepath.Join(above, "volume")
		must(t, os.Mkdir(volume, 0o700))
		if err := syscall.Mount("tmpfs", volume, "tmpfs", 0, "size=1m"); errors.Is(err, syscall.EPERM) {
			must(t, os.Chmod(volume, mode)) // nobody but root mounts: then it is one doubt
			dir, err := files.MakeDir(filepath.Join(volume, "clones"), 0o700)
			must(t, err)
			if dir.Doubt() == nil && name == "emptyDir" {
				t.Error("no word of it")
			}
			must(t, dir.Close())
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { must(t, syscall.Unmount(volume, syscall.MNT_DETACH)) })
		must(t, errors.Join(os.Chown(volume, 0, stranger), os.Chmod(volume, mode)))
		for _, path := range []string{volume, filepath.Join(volume, "clones")} {
			dir, err := files.MakeDir(path, 0o700)
			must(t, err)
			must(t, errors.Join(dir.Doubt(), dir.Close()))
		}
		if info, err := os.Stat(volume); err != nil || info.Mode() != fs.ModeDir|fs.ModeSticky|mode {
			t.Errorf("%s is %v, %v", name, info.Mode(), err)
		}
		must(t, os.Chown(volume, stranger, 0))
		_, err := files.MakeDir(filepath.Join(volume, "clones"), 0o700)
		mustNotBeMine(t, err)
		must(t, errors.Join(os.Chown(volume, 0, 0), os.Mkdir(filepath.Join(volume, "planted"), 0o700), os.Chown(filepath.Join(volume, "planted"), stranger, stranger)))
		_, err = files.MakeDir(filepath.Join(volume, "planted", "clones"), 0o700)
		mustNotBeMine(t, err)
	}
}
