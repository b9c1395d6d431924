package files_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/files"
)

// TestWhatStaysDeepDownIsTriedOnce has a file that even root cannot remove, where the file system has such.
func TestWhatStaysDeepDownIsTriedOnce(t *testing.T) {
	tree := filepath.Join(t.TempDir(), "tree")
	file := filepath.Join(tree, "a", "b", "file")
	must(t, os.MkdirAll(filepath.Dir(file), 0o700))
	must(t, os.WriteFile(file, nil, 0o600))
	if exec.Command("chattr", "+i", file).Run() != nil {
		return
	}
	defer func() { must(t, exec.Command("chattr", "-i", file).Run()) }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := files.RemoveTree(ctx, tree); err == nil || ctx.Err() != nil {
		t.Errorf("%v, %v", err, ctx.Err())
	}
}
