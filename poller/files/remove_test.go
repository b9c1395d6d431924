package files_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/files"
)

func TestRemoveTreeRemovesAll(t *testing.T) {
	dir := t.TempDir()
	tree, outside := filepath.Join(dir, "tree"), filepath.Join(dir, "outside")
	must(t, os.MkdirAll(filepath.Join(tree, "a", "b"), 0o700))
	must(t, os.Mkdir(outside, 0o700))
	must(t, os.WriteFile(filepath.Join(outside, "file"), nil, 0o600))
	must(t, os.WriteFile(filepath.Join(tree, "a", "b", "file"), nil, 0o400))
	must(t, os.Symlink(outside, filepath.Join(tree, "a", "link")))
	for i := range 1100 { // more than is read at a time
		must(t, os.WriteFile(filepath.Join(tree, fmt.Sprint(i)), nil, 0o600))
	}
	must(t, os.Chmod(filepath.Join(tree, "a", "b"), 0o500))
	must(t, os.Chmod(filepath.Join(tree, "a"), 0))
	must(t, files.RemoveTree(t.Context(), tree))
	mustBeGone(t, tree)
	if _, err := os.Stat(filepath.Join(outside, "file")); err != nil {
		t.Errorf("a link was followed: %v", err)
	}
	must(t, files.RemoveTree(t.Context(), tree)) // what is gone is no error
	must(t, files.RemoveTree(t.Context(), filepath.Join(dir, "never", "was")))
}

func TestRemoveTreeTakesALinkForWhatItIs(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "outside"), 0o700))
	must(t, os.Symlink("outside", filepath.Join(dir, "link")))
	must(t, files.RemoveTree(t.Context(), filepath.Join(dir, "link")))
	mustBeGone(t, filepath.Join(dir, "link"))
	if _, err := os.Stat(filepath.Join(dir, "outside")); err != nil {
		t.Error(err)
	}
}

func TestRemoveTreeStopsWithItsContext(t *testing.T) {
	const many = 400
	tree := filepath.Join(t.TempDir(), "tree")
	must(t, os.MkdirAll(filepath.Join(tree, "a"), 0o700))
	for i := range many {
		must(t, os.WriteFile(filepath.Join(tree, "a", fmt.Sprint(i)), nil, 0o600))
	}
	if err := files.RemoveTree(&countdown{Context: t.Context(), left: 100}, tree); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	entries, err := os.ReadDir(filepath.Join(tree, "a"))
	if err != nil || len(entries) == 0 || len(entries) == many {
		t.Errorf("%d files are left, %v", len(entries), err)
	}
	ended := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(ended)
	if err := files.RemoveTree(ctx, tree); !errors.Is(err, ended) {
		t.Errorf("the cause is not told: %v", err)
	}
	must(t, files.RemoveTree(t.Context(), tree))
	mustBeGone(t, tree)
}

// countdown is a context that ends after it was asked some times.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

func TestRemoveTreeIsNotDeeperThanItsDescriptors(t *testing.T) {
	const depth = 400
	top := filepath.Join(t.TempDir(), "tree")
	must(t, os.Mkdir(top, 0o700))
	root, err := os.OpenRoot(top)
	must(t, err)
	for range depth {
		must(t, root.Mkdir("d", 0o700))
		must(t, root.WriteFile("f", nil, 0o600))
		below, err := root.OpenRoot("d")
		must(t, err)
		must(t, root.Close())
		root = below
	}
	must(t, root.Close())
	must(t, files.RemoveTree(t.Context(), top))
	mustBeGone(t, top)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustBeGone(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", path, err)
	}
}

func mustSay(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
}
