package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

const (
	maxDepth   = 512     // directories; each holds a descriptor open while it is written
	maxSymlink = 1 << 15 // bytes; beyond any system's limit, and small enough to hold
)

// tally counts what a tree holds, to be compared with what is on disk.
type tally struct {
	files, symlinks, dirs int
	bytes                 int64
}

// treeWriter writes one tree below one directory, through os.Root so that no
// name and no symlink in the tree leads out of it.
type treeWriter struct {
	ctx   context.Context
	store *objects
	wrote tally
}

// writeTree fills the empty directory dir with a tree.
func writeTree(ctx context.Context, store *objects, tree plumbing.Hash, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	w := &treeWriter{ctx: ctx, store: store}
	if err := w.fill(root, tree, 0); err != nil {
		return err
	}
	found, err := count(ctx, dir)
	if err != nil {
		return err
	}
	if found != w.wrote {
		return fmt.Errorf("%s does not hold what was written to it: %+v instead of %+v", dir, found, w.wrote)
	}
	return nil
}

func (w *treeWriter) fill(dir *os.Root, id plumbing.Hash, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("directories nested deeper than %d", maxDepth)
	}
	tree, err := w.store.tree(id)
	if err != nil {
		return err
	}
	if err := dir.Chmod(".", 0o755); err != nil {
		return err
	}
	seen := make(map[string]bool, len(tree.Entries))
	for _, entry := range tree.Entries {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if err := checkName(entry.Name); err != nil {
			return err
		}
		if seen[entry.Name] {
			return fmt.Errorf("refused: %q is twice in one directory", entry.Name)
		}
		seen[entry.Name] = true
		if err := w.entry(dir, entry, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *treeWriter) entry(dir *os.Root, entry object.TreeEntry, depth int) error {
	switch entry.Mode {
	case filemode.Regular:
		return w.file(dir, entry, 0o644)
	case filemode.Executable:
		return w.file(dir, entry, 0o755)
	case filemode.Symlink:
		return w.symlink(dir, entry)
	case filemode.Dir, filemode.Submodule:
	default:
		return fmt.Errorf("%q has the unknown mode %s", entry.Name, entry.Mode)
	}
	w.wrote.dirs++
	if err := dir.Mkdir(entry.Name, 0o755); err != nil {
		return err
	}
	sub, err := dir.OpenRoot(entry.Name)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Close() }()
	if entry.Mode == filemode.Submodule {
		return sub.Chmod(".", 0o755)
	}
	return w.fill(sub, entry.Hash, depth+1)
}

func (w *treeWriter) file(dir *os.Root, entry object.TreeEntry, perm fs.FileMode) error {
	f, err := dir.OpenFile(entry.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	size, err := w.store.blob(w.ctx, entry.Hash, f)
	// The umask of the agent is no part of the revision.
	if err = errors.Join(err, f.Chmod(perm), f.Close()); err != nil {
		return fmt.Errorf("%q: %w", entry.Name, err)
	}
	w.wrote.files++
	w.wrote.bytes += size
	return nil
}

func (w *treeWriter) symlink(dir *os.Root, entry object.TreeEntry) error {
	obj, err := w.store.find(entry.Hash)
	if err != nil {
		return fmt.Errorf("%q: blob %w", entry.Name, err)
	}
	if obj.Size() > maxSymlink {
		return fmt.Errorf("%q: symlink to a name of %d bytes", entry.Name, obj.Size())
	}
	var target bytes.Buffer
	if _, err := w.store.blob(w.ctx, entry.Hash, &target); err != nil {
		return fmt.Errorf("%q: %w", entry.Name, err)
	}
	w.wrote.symlinks++
	return dir.Symlink(target.String(), entry.Name)
}

// count tells what lies below dir, following no symlink.
func count(ctx context.Context, dir string) (tally, error) {
	var found tally
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		switch d.Type() {
		case fs.ModeDir:
			found.dirs++
		case fs.ModeSymlink:
			found.symlinks++
		default:
			info, err := d.Info()
			if err != nil {
				return err
			}
			found.files++
			found.bytes += info.Size()
		}
		return ctx.Err()
	})
	return found, err
}

// checkName refuses what is no name of a file, and what some file system would
// take for a repository planted in the checkout.
func checkName(name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") ||
		!filepath.IsLocal(name) || filepath.Base(name) != name {
		return fmt.Errorf("refused: %q is no name of a file", name)
	}
	if isDotGit(name) {
		return fmt.Errorf("refused: %q would be a git directory", name)
	}
	return nil
}

// isDotGit knows the spellings of .git: in any case; as NTFS reads it, with
// trailing dots and spaces, a stream, or in its short form; as HFS+ reads it,
// without the characters it ignores.
func isDotGit(name string) bool {
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 0x200c && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x206a && r <= 0x206f, r == 0xfeff:
			return -1
		}
		return r
	}, name)
	if i := strings.IndexAny(name, `:\`); i >= 0 {
		name = name[:i]
	}
	name = strings.ToLower(strings.TrimRight(name, " ."))
	return name == ".git" || name == "git~1"
}
