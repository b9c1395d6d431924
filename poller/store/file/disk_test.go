package file_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/file"
)

func TestOpenWritesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.yaml")
	open(t, path)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open made the file: %v", err)
	}
}

func TestOpenSweepsLeftovers(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".state.yaml.123.tmp", ".state.yaml.9.tmp"} {
		write(t, filepath.Join(dir, name), "half a fi")
	}
	others := []string{".other.yaml.123.tmp", ".state.yaml..tmp", ".state.yaml.1a.tmp", ".state.yaml.1.tmp.bak", ".stateXyaml.1.tmp", "state.yaml.1.tmp"}
	for _, name := range others {
		write(t, filepath.Join(dir, name), "another's")
	}
	open(t, filepath.Join(dir, "state.yaml"))
	if got := names(t, dir); len(got) != len(others) {
		t.Errorf("%q are left, want %q", got, others)
	}
}

func TestSaveLeavesNoOtherFiles(t *testing.T) {
	dir := t.TempDir()
	f := open(t, filepath.Join(dir, "state.yaml"))
	put(t, f, "a", "n: 2", put(t, f, "a", "n: 1", ""))
	if got := names(t, dir); len(got) != 1 || got[0] != "state.yaml" {
		t.Errorf("the directory holds %q", got)
	}
}

func TestSaveKeepsSymlinks(t *testing.T) {
	for _, relative := range []bool{true, false} {
		for _, dangling := range []bool{true, false} {
			dir, elsewhere := t.TempDir(), t.TempDir()
			target := filepath.Join(elsewhere, "real.yaml")
			if !dangling {
				write(t, target, "")
			}
			// The path itself leads through a linked directory, so that .. is not what it seems.
			symlink(t, elsewhere, filepath.Join(dir, "linked"))
			link := filepath.Join(elsewhere, "state.yaml")
			if relative {
				symlink(t, filepath.Join("..", filepath.Base(elsewhere), "real.yaml"), link)
			} else {
				symlink(t, target, link)
			}
			f := open(t, filepath.Join(dir, "linked", "state.yaml"))
			put(t, f, "a", "n: 1", "")
			if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
				t.Errorf("relative %v, dangling %v: the link is gone: %v %v", relative, dangling, info, err)
			}
			get(t, open(t, target), "a")
		}
	}
}

func TestSymlinkLoop(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.yaml")
	symlink(t, path, path)
	if _, err := file.Open(path); err == nil {
		t.Error("a symlink onto itself was opened")
	}
}

func TestPermissions(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // has none of these
	}
	path := filepath.Join(t.TempDir(), "state.yaml")
	f := open(t, path)
	version := put(t, f, "a", "n: 1", "")
	for _, mode := range []fs.FileMode{0o600, 0o640, 0o400} {
		if mode != 0o600 {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			version = put(t, f, "a", "mode: "+mode.String(), version)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != mode {
			t.Errorf("mode %v, want %v", info.Mode(), mode)
		}
	}
}

func TestEditsFromOutside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.yaml")
	f := open(t, path)
	version := put(t, f, "a", "n: 1", "")

	write(t, path, "version: 1\ntasks:\n  a:\n    edited: true\n  b: {}\n")
	if _, err := f.Put(t.Context(), "a", []byte("n: 2"), version); !errors.Is(err, store.ErrConflict) {
		t.Errorf("an edit was overwritten: error %v, want a conflict", err)
	}
	version = put(t, f, "a", "n: 2", get(t, f, "a").Version)
	get(t, f, "b")

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Get(t.Context(), "b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file was deleted, its content is there: %v", err)
	}
	if _, err := f.Put(t.Context(), "a", []byte("n: 3"), version); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a deletion was undone: error %v, want a conflict", err)
	}
	put(t, f, "a", "n: 4", "")
	if keys, err := open(t, path).List(t.Context(), ""); err != nil || len(keys) != 1 {
		t.Errorf("the file holds %q, error %v, want a alone", keys, err)
	}
}

// TestFailedSave uses a name that is long enough for the file, but not for the temporary one: an obstacle also to root.
func TestFailedSave(t *testing.T) {
	path := filepath.Join(t.TempDir(), strings.Repeat("s", 250))
	write(t, path, "version: 1\ntasks:\n  a: {x: 1}\n")
	f := open(t, path)
	before, text := get(t, f, "a"), readFile(t, path)
	if _, err := f.Put(t.Context(), "a", []byte("x: 2"), before.Version); err == nil || errors.Is(err, store.ErrConflict) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want one that names the file", err)
	}
	if after := get(t, f, "a"); after.Version != before.Version || string(after.Data) != "x: 1\n" || readFile(t, path) != text {
		t.Errorf("a failed save left %q in memory and %q in the file", after.Data, readFile(t, path))
	}
}

func TestDirectoryIsMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "state.yaml")
	f := open(t, path)
	if _, err := f.Put(t.Context(), "a", []byte("n: 1"), ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want %v", err, fs.ErrNotExist)
	}
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, f, "a", "n: 1", "")
}

func TestMountedFile(t *testing.T) {
	for _, errno := range []error{syscall.EBUSY, syscall.EXDEV} {
		err := file.Explain(&os.LinkError{Op: "rename", Old: "a", New: "b", Err: errno})
		if !errors.Is(err, errno) || !strings.Contains(err.Error(), "mount the directory, not the file") {
			t.Errorf("error %v", err)
		}
	}
	if err := file.Explain(fs.ErrPermission); !errors.Is(err, fs.ErrPermission) || strings.Contains(err.Error(), "mount") {
		t.Errorf("error %v", err)
	}
}

// TestOneSaveForAllThatWait: when the first of them returns, all are in the file.
func TestOneSaveForAllThatWait(t *testing.T) {
	const writers = 100
	path := filepath.Join(t.TempDir(), "state.yaml")
	f := open(t, path)
	release := f.Hold()
	done := make(chan error, writers)
	for i := range writers {
		go func() {
			_, err := f.Put(t.Context(), strconv.Itoa(i), []byte("n: 1"), "")
			done <- err
		}()
	}
	waitQueued(f, writers)
	release()
	for i := range writers {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			continue
		}
		if keys, err := open(t, path).List(t.Context(), ""); err != nil || len(keys) != writers {
			t.Errorf("after the first save %d documents are in the file, want %d (%v)", len(keys), writers, err)
		}
	}
}

// TestBatchKeepsCompareAndSwap: of the writers of one batch that expect the same version, the first wins.
func TestBatchKeepsCompareAndSwap(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "state.yaml"))
	release := f.Hold()
	const writers = 10
	done := make(chan error, writers)
	for i := range writers {
		go func() {
			_, err := f.Put(t.Context(), "a", []byte("n: "+strconv.Itoa(i)), "")
			done <- err
		}()
	}
	waitQueued(f, writers)
	release()
	won := 0
	for range writers {
		if err := <-done; err == nil {
			won++
		} else if !errors.Is(err, store.ErrConflict) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d writers won", won)
	}
}

func TestCancelledWhileItWaits(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "state.yaml"))
	release := f.Hold()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := f.Put(ctx, "a", []byte("n: 1"), "")
		done <- err
	}()
	waitQueued(f, 1)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	release()
	put(t, f, "b", "n: 1", "")
	if _, err := f.Get(t.Context(), "a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a cancelled write was done: %v", err)
	}
}

func waitQueued(f *file.Store, n int) {
	for f.Queued() < n {
		runtime.Gosched()
	}
}

func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func symlink(t *testing.T, target, link string) {
	t.Helper()
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
}

func TestFileSystemsWithoutLocks(t *testing.T) {
	for _, refusal := range []error{syscall.ENOLCK, syscall.ENOTSUP, syscall.ENOSYS} {
		if err := file.ExplainLock(refusal); !errors.Is(err, refusal) || !strings.Contains(err.Error(), "without nolock") {
			t.Errorf("%v: %v", refusal, err)
		}
	}
	if err := file.ExplainLock(syscall.EACCES); !errors.Is(err, syscall.EACCES) || strings.Contains(err.Error(), "nolock") {
		t.Errorf("%v", err)
	}
}
