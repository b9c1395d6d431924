//go:build unix

package mirror

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/git/object"
)

// TestWhatIsInAMirrorIsMine opens no repository with a directory in it that is
// a link, or another user's, and leaves what the link leads to as it is.
func TestWhatIsInAMirrorIsMine(t *testing.T) {
	for _, name := range []string{"", "refs", "objects", "objects/pack"} {
		for how, spoil := range map[string]func(path string) error{
			"link": func(path string) error {
				precious := t.TempDir()
				err := os.WriteFile(filepath.Join(precious, object.TmpPrefix+"file"), nil, 0o600) // a sweep would remove it
				t.Cleanup(func() {
					if _, err := os.Stat(filepath.Join(precious, object.TmpPrefix+"file")); err != nil {
						t.Errorf("a link at %q was followed: %v", path, err)
					}
				})
				return errors.Join(err, os.RemoveAll(path), os.Symlink(precious, path))
			},
			"foreign": func(path string) error { return os.Chown(path, 12345, 12345) },
		} {
			if how == "foreign" && os.Geteuid() != 0 || how == "link" && name == "" { // the directory above is looked at by whoever names it
				continue
			}
			dir := filepath.Join(t.TempDir(), "mirror")
			b, err := Open(t.Context(), dir, 1, object.SHA1)
			if err != nil {
				t.Fatal(err)
			}
			b.Close()
			if err := spoil(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
			b, err = Open(t.Context(), dir, 1, object.SHA1)
			if _, ok := errors.AsType[*files.NotMineError](err); !ok {
				t.Errorf("%s at %q: %v", how, name, err)
			}
			if err == nil {
				b.Close()
			}
		}
	}
}
