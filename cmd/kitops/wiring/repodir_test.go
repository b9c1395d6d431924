package wiring

import (
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
)

// TestTemporaryRepoDirsOfManyAtOnce: who starts takes no directory from
// another that has just been made, and all are gone at the end.
func TestTemporaryRepoDirsOfManyAtOnce(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"TMPDIR", "TMP"} {
		t.Setenv(name, dir)
	}
	var agents sync.WaitGroup
	for range 8 {
		agents.Go(func() {
			for range 25 {
				d, err := OpenRepoDir("", false, nil)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := os.Stat(filepath.Join(d.Path, repoDirLock)); err != nil {
					t.Error(err)
				}
				d.Close()
			}
		})
	}
	agents.Wait()
	for _, name := range []string{"old", "new"} { // of agents that were killed at once
		unfinished := filepath.Join(dir, freshDirPrefix+name)
		if err := os.Mkdir(unfinished, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(unfinished, repoDirLock), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if name == "old" {
			if err := os.Chtimes(unfinished, time.Time{}, time.Now().Add(-2*fresh)); err != nil {
				t.Fatal(err)
			}
		}
	}
	last, err := OpenRepoDir("", false, nil) // takes what those who met left to each other
	if err != nil {
		t.Fatal(err)
	}
	last.Close()
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 || left[0].Name() != freshDirPrefix+"new" {
		t.Errorf("%v are left: %v", left, err)
	}
}

// TestRepoDirWithWhatIsAboveIt lets actions of another user through to their workdirs, where it is made with folders above.
func TestRepoDirWithWhatIsAboveIt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("folders have no modes there")
	}
	for shared, want := range map[bool]os.FileMode{true: 0o011, false: 0} {
		dir := t.TempDir()
		d, err := OpenRepoDir(filepath.Join(dir, "cache", "kitops", "repos"), shared, nil)
		if err != nil {
			t.Fatal(err)
		}
		d.Close()
		for _, path := range []string{"cache", "cache/kitops", "cache/kitops/repos"} {
			if info, err := os.Stat(filepath.Join(dir, path)); err != nil || info.Mode().Perm()&0o077 != want {
				t.Errorf("shared %t: %s: %v, %v", shared, path, info.Mode(), err)
			}
		}
	}
}
