package file_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/store/file"
)

func acquire(t *testing.T, path string) *file.Lock {
	t.Helper()
	lock, err := file.AcquireLock(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lock.Release(); err != nil {
			t.Error(err)
		}
	})
	return lock
}

func TestLockFollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	precious, path := filepath.Join(dir, "precious"), filepath.Join(dir, "state.yaml.lock")
	write(t, precious, "data")
	if err := os.Symlink(precious, path); err != nil {
		t.Fatal(err)
	}
	_, err := file.AcquireLock(path)
	var not *files.NotMineError
	if !errors.As(err, &not) {
		t.Errorf("error %v", err)
	}
	if data, err := os.ReadFile(precious); err != nil || string(data) != "data" {
		t.Errorf("what the link leads to is %q, %v", data, err)
	}
}

func TestLockIsTakenAnewWhenItsFileIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.yaml.lock")
	lock := acquire(t, path)
	if renewed, err := lock.Renew(); renewed || err != nil {
		t.Errorf("renewed %t, %v while nothing happened", renewed, err)
	}
	for range 2 {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if renewed, err := lock.Renew(); !renewed || err != nil {
			t.Fatalf("renewed %t, %v", renewed, err)
		}
		wantLocked(t, path)
	}
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
	if renewed, err := lock.Renew(); renewed || err != nil {
		t.Errorf("renewed %t, %v after its release", renewed, err)
	}
}

func TestLockThatAnotherProcessHasTakenMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.yaml.lock")
	lock := acquire(t, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	start(t, "hold", path)
	_, err := lock.Renew()
	var locked *file.LockedError
	if !errors.As(err, &locked) {
		t.Errorf("error %v, want a LockedError", err)
	}
}

// A child that is being made holds what its parent holds until it is another program, also when the parent is killed meanwhile.
func TestLockOfTheDeadIsWaitedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.yaml.lock")
	child := acquire(t, path)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	alive := strconv.Itoa(os.Getpid())
	if !strings.Contains(string(text), alive) {
		t.Fatalf("owner %q", text)
	}
	write(t, path, strings.Replace(string(text), alive, strconv.Itoa(cmd.Process.Pid), 1))
	time.AfterFunc(100*time.Millisecond, func() { _ = child.Release() })
	lock, err := file.AcquireLock(path)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if _, err := file.AcquireLock(path); err == nil || time.Since(begin) >= 2*time.Second { // which one whose owner is gone has
		t.Errorf("a lock of the living: %v after %s", err, time.Since(begin))
	}
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
}
