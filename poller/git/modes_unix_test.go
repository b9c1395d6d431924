//go:build unix

package git

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// refuseModes makes a mirror's file system one that refuses every mode but its own.
func refuseModes(m *Mirror) {
	m.fail = func(op, _ string) error {
		if op == "chmod" {
			return syscall.EPERM
		}
		return nil
	}
}

// A file system that refuses modes (vfat, SMB) has those of its mount, as with
// git's core.fileMode=false. That is said once.
func TestFileSystemWithoutModes(t *testing.T) {
	r := gittest.New(t)
	r.Write(map[string]string{"sub/plain": "1", "run": "1"})
	if err := os.Chmod(filepath.Join(r.Work, "run"), 0o755); err != nil {
		t.Fatal(err)
	}
	first := r.Commit(nil)
	second := r.Commit(map[string]string{"sub/plain": "2"})
	m := overHTTP(t, r)
	var log bytes.Buffer
	m.Log = slog.New(slog.NewTextHandler(&log, nil))
	refuseModes(m)
	k := keep(t, m, Options{DotGit: true})
	k.update(t, first)
	mode := map[string]os.FileMode{"sub": 0o700, "sub/plain": 0o700, "run": 0o700}
	for name := range mode { // those of the mount, whatever was asked for
		if err := os.Chmod(filepath.Join(k.dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.Stat(filepath.Join(k.dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	k.update(t, second)
	after, err := os.Stat(filepath.Join(k.dir, "run"))
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("%v; a file was written anew for its mode", err)
	}
	if content, err := os.ReadFile(filepath.Join(k.dir, "sub", "plain")); err != nil || string(content) != "2" {
		t.Errorf("%q, %v", content, err)
	}
	if got := strings.TrimSpace(gittest.Git(t, k.dir, "config", "core.fileMode")); got != "false" {
		t.Errorf("core.fileMode is %s", got)
	}
	if status := gittest.Git(t, k.dir, "status", "--porcelain"); status != "" {
		t.Errorf("status: %s", status)
	}
	if n := strings.Count(log.String(), "does not keep the modes"); n != 1 {
		t.Errorf("said %d times: %s", n, log.String())
	}
	fresh := mustCheckout(t, m, second)
	if content, err := os.ReadFile(filepath.Join(fresh, "run")); err != nil || string(content) != "1" {
		t.Errorf("%q, %v", content, err)
	}
}

// A panic in one of the goroutines of a checkout is that checkout's error.
func TestAPanicOfAWorkerIsAnError(t *testing.T) {
	r := gittest.New(t)
	sha := r.Commit(map[string]string{"a": "1", "b/c": "2"})
	m := mirrorOf(t, r.Dir)
	m.fail = func(op, name string) error {
		if op == "open" && name == "a" {
			panic("oops")
		}
		return nil
	}
	err := m.Checkout(t.Context(), refs.Revision{Ref: "refs/heads/main", SHA: sha}, filepath.Join(t.TempDir(), "workdir"), Options{})
	var broken *bug.Error
	if !errors.As(err, &broken) {
		t.Errorf("%v", err)
	}
}
