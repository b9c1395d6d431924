//go:build unix

package files_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/files"
)

func TestGrown(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "large")
	must(t, os.WriteFile(outside, make([]byte, 4<<20), 0o600))
	must(t, os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "a", "b", "file"), make([]byte, 1<<20), 0o600))
	for _, name := range []string{"again", "and again"} { // one file
		must(t, os.Link(filepath.Join(dir, "a", "b", "file"), filepath.Join(dir, name)))
	}
	must(t, os.Symlink(outside, filepath.Join(dir, "link")))
	must(t, os.Symlink(filepath.Dir(outside), filepath.Join(dir, "folder")))
	all, err := files.Grown(t.Context(), dir, 10<<20)
	if err != nil || all < 1<<20 || all > 3<<19 {
		t.Errorf("%d, %v", all, err)
	}
	if whole, err := files.Usage(dir); err != nil || whole < 3<<20 {
		t.Errorf("%d, %v", whole, err)
	}
	if got, err := files.Grown(t.Context(), dir, 1<<10); err != nil || got <= 1<<10 {
		t.Errorf("%d, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := files.Grown(ctx, dir, 1<<30); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	must(t, os.MkdirAll(filepath.Join(dir, strings.Repeat("d/", 200)), 0o700))
	if _, err := files.Grown(t.Context(), dir, 1<<30); !errors.Is(err, files.ErrDeep) {
		t.Error(err)
	}
}

// TestGrownWhileOthersWork measures what changes all the time.
func TestGrownWhileOthersWork(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_ = os.MkdirAll(filepath.Join(dir, "a", "b", "c"), 0o700)
			_ = os.WriteFile(filepath.Join(dir, "a", "b", "file"), []byte("x"), 0o600)
			_ = os.RemoveAll(filepath.Join(dir, "a"))
			_ = os.Symlink("/", filepath.Join(dir, "a"))
			_ = os.Remove(filepath.Join(dir, "a"))
		}
	}()
	for range 2000 {
		if _, err := files.Grown(t.Context(), dir, 1<<30); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	<-done
}
