package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/store"
)

func acquire(t *testing.T, path string) *store.Lock {
	t.Helper()
	lock, err := store.AcquireLock(path)
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
	_, err := store.AcquireLock(path)
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
	var locked *store.LockedError
	if !errors.As(err, &locked) {
		t.Errorf("error %v, want a LockedError", err)
	}
}
