//go:build unix

package files_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/poller/files"
)

// stranger is a user that files may be given to.
const stranger = 12345

func TestALinkIsNoFileOfMine(t *testing.T) {
	dir := ownDir(t)
	secret := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(secret, []byte("precious"), 0o600))
	must(t, os.Symlink(secret, filepath.Join(dir.Path(), "lock")))
	must(t, os.Symlink("here", filepath.Join(dir.Path(), "inside")))
	must(t, os.Symlink(filepath.Dir(secret), filepath.Join(dir.Path(), "work")))
	must(t, unix.Mkfifo(filepath.Join(dir.Path(), "pipe"), 0o600))
	for _, name := range []string{"lock", "inside", "work", "pipe"} {
		_, err := dir.OpenFile(name, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
		mustNotBeMine(t, err)
		_, err = dir.Sub(name, 0o700)
		mustNotBeMine(t, err)
	}
	data, err := os.ReadFile(secret)
	if err != nil || string(data) != "precious" {
		t.Errorf("%q, %v", data, err)
	}
	if _, err := os.Lstat(filepath.Join(dir.Path(), "here")); err == nil {
		t.Error("a link was followed inside")
	}
}

func TestAFileOfMineIsOpenedAndEmptied(t *testing.T) {
	dir := ownDir(t)
	for range 2 {
		file, err := dir.OpenFile("lock", os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
		must(t, err)
		_, err = file.WriteString("words")
		must(t, errors.Join(err, file.Close()))
	}
	data, err := os.ReadFile(filepath.Join(dir.Path(), "lock"))
	if err != nil || string(data) != "words" {
		t.Errorf("%q, %v", data, err)
	}
	sub, err := dir.Sub("work", 0o711)
	must(t, err)
	must(t, sub.Close())
	if info, err := os.Stat(sub.Path()); err != nil || info.Mode().Perm() != 0o711 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestADirectoryThatOthersMayChangeIsDoubted(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(above, dir string) error
		says  string
	}{
		"writable":       {func(_, dir string) error { return os.Chmod(dir, 0o777) }, "by everybody"},
		"writable above": {func(above, _ string) error { return os.Chmod(above, 0o777) }, "by everybody"},
		"group": {func(_, dir string) error {
			return errors.Join(chownAsRoot(dir, 0, stranger), os.Chmod(dir, 0o770))
		}, "its group"},
		"foreign":       {func(_, dir string) error { return chownAsRoot(dir, stranger, 0) }, "belongs to"},
		"foreign above": {func(above, _ string) error { return chownAsRoot(above, stranger, 0) }, "belongs to"},
		"sticky but foreign": {func(above, _ string) error {
			return errors.Join(os.Chmod(above, os.ModeSticky|0o777), chownAsRoot(above, stranger, 0))
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			above := t.TempDir()
			dir := filepath.Join(above, "dir")
			must(t, os.Mkdir(dir, 0o700))
			must(t, c.spoil(above, dir))
			opened, err := files.MakeDir(dir, 0o700)
			if os.Geteuid() == 0 {
				mustNotBeMine(t, err)
				mustSay(t, err, above, c.says)
				return
			}
			must(t, err)
			t.Cleanup(func() { must(t, opened.Close()) })
			if info, _ := os.Stat(above); opened.Doubt() == nil && info.Mode().Perm() != 0o700 {
				t.Error("no word of it")
			}
		})
	}
}

func TestAStickyDirectoryOfRootIsAFineParent(t *testing.T) {
	if real, doubt, err := files.Real("/tmp"); err != nil || doubt != nil {
		t.Errorf("%s: %v, %v", real, doubt, err)
	}
}

func TestWhatAnotherUserLeftIsNotMine(t *testing.T) {
	dir := ownDir(t)
	if os.Geteuid() != 0 {
		return // who is not root has no other user's files at hand
	}
	must(t, os.WriteFile(filepath.Join(dir.Path(), "lock"), []byte("precious"), 0o666))
	must(t, os.Mkdir(filepath.Join(dir.Path(), "work"), 0o700))
	must(t, os.Symlink("dir", filepath.Join(dir.Path(), "link")))
	for _, name := range []string{"lock", "work", "link"} {
		must(t, os.Lchown(filepath.Join(dir.Path(), name), stranger, stranger))
	}
	_, err := dir.OpenFile("lock", os.O_RDWR|os.O_TRUNC, 0o600)
	mustNotBeMine(t, err)
	if data, _ := os.ReadFile(filepath.Join(dir.Path(), "lock")); string(data) != "precious" {
		t.Error("it was emptied")
	}
	_, err = dir.Sub("work", 0o700)
	mustNotBeMine(t, err)
	_, _, err = files.Real(filepath.Join(dir.Path(), "link", "state.yaml"))
	mustNotBeMine(t, err)
}

func TestTemporaryDirectoriesAreMine(t *testing.T) {
	above := t.TempDir()
	t.Setenv("TMPDIR", above)
	dir, err := files.MakeTemp("mine-")
	must(t, err)
	if info, err := os.Stat(dir.Path()); err != nil || info.Mode().Perm() != 0o700 || filepath.Dir(dir.Path()) != above {
		t.Errorf("%s: %v, %v", dir.Path(), info.Mode(), err)
	}
	precious := filepath.Join(t.TempDir(), "precious")
	must(t, os.WriteFile(precious, nil, 0o600))
	must(t, os.Symlink(filepath.Dir(precious), filepath.Join(dir.Path(), "link")))
	must(t, errors.Join(dir.Remove("link"), dir.Close()))
	if _, err := os.Stat(precious); err != nil {
		t.Errorf("a link was followed: %v", err)
	}
	if os.Geteuid() == 0 {
		must(t, os.Chmod(above, 0o777))
		_, err := files.MakeTemp("mine-")
		mustNotBeMine(t, err)
	}
}

func TestLinksOfMineLeadOn(t *testing.T) {
	above := ownDir(t).Path()
	must(t, os.Mkdir(filepath.Join(above, "real"), 0o700))
	must(t, os.Symlink("real", filepath.Join(above, "relative")))
	must(t, os.Symlink(filepath.Join(above, "relative"), filepath.Join(above, "absolute")))
	must(t, os.Symlink("loop", filepath.Join(above, "loop")))
	real, doubt, err := files.Real(filepath.Join(above, "absolute", "..", "absolute", "new", "dir"))
	if err != nil || doubt != nil || real != filepath.Join(above, "real", "new", "dir") {
		t.Errorf("%s, %v, %v", real, doubt, err)
	}
	if _, _, err := files.Real(filepath.Join(above, "loop")); err == nil {
		t.Error("a loop leads somewhere")
	}
}

func ownDir(t *testing.T) *files.Dir {
	t.Helper()
	dir, err := files.MakeDir(filepath.Join(t.TempDir(), "own", "dir"), 0o700)
	must(t, err)
	t.Cleanup(func() { must(t, dir.Close()) })
	return dir
}

func chownAsRoot(path string, uid, gid int) error {
	if os.Geteuid() != 0 {
		return os.Chmod(path, 0o777)
	}
	return os.Chown(path, uid, gid)
}

func mustNotBeMine(t *testing.T, err error) {
	t.Helper()
	var not *files.NotMineError
	if !errors.As(err, &not) {
		t.Fatalf("it was taken for mine: %v", err)
	}
}
