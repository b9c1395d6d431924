//go:build !unix

package safedir

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Dir writes into one directory. os.Root keeps whatever a tree or another
// process puts in the way from leading outside. It is for one goroutine.
type Dir struct {
	Owner    *Owner // whom to give what is made; nil: leave it
	KeepStat bool   // keep Last
	Last     Stat   // of the file made last: not known here
	Dev      int64  // of the directory, if it is one that was there: not known here
	NoModes  bool   // as it always is here
	Fail     Fail   // for tests; nil: nothing fails but what does

	tree Tree
	root *os.Root

	replace bool // what is at a file's place
}

// Open opens a directory to write a plan into.
func Open(path string, tree Tree) (*Dir, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &Dir{tree: tree, root: root}, nil
}

func (d *Dir) Close() { _ = d.root.Close() }

func (d *Dir) Mkdir(dir int32) error {
	if d.Owner != nil {
		return fmt.Errorf("files that belong to another user: %w", errors.ErrUnsupported)
	}
	if dir == 0 {
		return nil
	}
	return d.root.Mkdir(filepath.FromSlash(d.tree.path(dir)), 0o755)
}

// Write makes a file of the plan and says so only when all of it is there.
func (d *Dir) Write(f File, content []byte) error {
	return d.Stream(f, func(w io.Writer) (int64, error) {
		n, err := w.Write(content)
		return int64(n), err
	})
}

// Stream is write for content that fill brings in pieces.
func (d *Dir) Stream(f File, fill func(io.Writer) (int64, error)) error {
	if d.replace {
		if err := d.Unlink(f.Dir, f.Name); err != nil {
			return err
		}
	}
	file, err := d.root.OpenFile(filepath.FromSlash(d.file(f)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, os.FileMode(f.Perm))
	if err != nil {
		return err
	}
	size, err := fill(file)
	if err == nil {
		var info os.FileInfo
		if info, err = file.Stat(); err == nil && info.Size() != size {
			err = io.ErrShortWrite
		}
	}
	err = errors.Join(err, file.Close())
	if err == nil && f.Older {
		at := time.Now().Add(-back)
		err = d.root.Chtimes(filepath.FromSlash(d.file(f)), at, at)
	}
	return err
}

// Remove takes a file of the plan away and says how many bytes it had.
func (d *Dir) Remove(f File) (int64, error) {
	name := filepath.FromSlash(d.file(f))
	info, err := d.root.Lstat(name)
	if err != nil {
		return 0, err
	}
	return info.Size(), d.root.Remove(name)
}

func (d *Dir) Symlink(f File, target string) error {
	if d.replace {
		if err := d.Unlink(f.Dir, f.Name); err != nil {
			return err
		}
	}
	return d.root.Symlink(target, filepath.FromSlash(d.file(f)))
}

func (d *Dir) file(f File) string {
	if f.Dir == 0 {
		return f.Name
	}
	return d.tree.path(f.Dir) + "/" + f.Name
}
