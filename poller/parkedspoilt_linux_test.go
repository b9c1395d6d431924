package poller

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/git"
)

func end(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
}

// rewrite changes one byte of a file.
func rewrite(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		text[len(text)/2] ^= 1
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func relink(t *testing.T, path string) {
	t.Helper()
	if err := errors.Join(os.Rename(path, path+".aside"), os.Symlink(path+".aside", path)); err != nil {
		t.Fatal(err)
	}
}

// mountIn mounts something where it may be moved to another place.
func mountIn(t *testing.T, dir string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", filepath.Join(dir, "d0"), "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		above := filepath.Dir(filepath.Dir(filepath.Dir(filepath.Dir(dir)))) // of the repo dir
		if at, err := files.MountBelow(above); err != nil || syscall.Unmount(at, syscall.MNT_DETACH) != nil {
			t.Errorf("%s is still mounted: %v", at, err)
		}
	})
}

// mountElsewhere has a process in a mount namespace of its own, as of a container with -v of one file, that has nothing open.
func mountElsewhere(t *testing.T, k *parkade, dir string) {
	t.Helper()
	at := filepath.Join(k.place, "at")
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "/bin/sh", "-c", `: >"$1" && mount --bind "$0" "$1" && echo mounted && exec cat`, filepath.Join(dir, "d0", "f1"), at)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Unshareflags: syscall.CLONE_NEWNS} // which makes it private
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Error(err)
		}
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "mounted\n" {
		t.Fatalf("%q, %v", line, err)
	}
}

func holdAll(t *testing.T, dir string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "find", dir, "-type", "f")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.Lines(string(out)) {
		f, err := os.OpenFile(strings.TrimSpace(path), os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
	}
}

// What is parked, of this ref and of others, goes before a run fails because the disk is full.
func TestParkedWorkdirsGoFirstWhenTheDiskIsShort(t *testing.T) {
	repo := manyFiles(t)
	repo.Switch("side")
	repo.Commit(map[string]string{"side": "side"})
	repo.Switch("main")
	k := newParkade(t, repo, inMemory)
	both := func(t *testing.T) {
		t.Helper()
		other := k.tasks[0]
		other.Name, other.Refs = "other", git.Patterns{"refs/heads/side"}
		k.Set([]Task{k.tasks[0], other})
	}
	k.run = "true"
	both(t)
	if err := k.Once(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if parked := entries(t, filepath.Join(k.RepoDir, ParkDir)); len(parked) != 2 {
		t.Fatalf("parked: %v", parked)
	}
	repo.Commit(map[string]string{"more": "more"})
	k.restart(t)
	both(t)
	checkout, full := k.task0().Checkout, 0
	k.task0().Checkout = func(ctx context.Context, rev git.Revision, dir string) error {
		if parked, _ := filepath.Glob(filepath.Join(k.RepoDir, ParkDir, "*", "*")); exists(git.ParkedPath(dir)) || len(parked) > 0 {
			full++
			return &os.PathError{Op: "write", Path: dir, Err: syscall.ENOSPC}
		}
		if left := entries(t, filepath.Join(k.RepoDir, WorkDir)); len(left) != 1 { // that of this run
			t.Errorf("the room is not there yet: %v", left)
		}
		return checkout(ctx, rev, dir)
	}
	if err := k.Once(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if full != 1 {
		t.Errorf("the disk was full %d times", full)
	}
}
