//go:build !unix

package worktree

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/bittrance/kitops/poller/git/index"
)

// outDir writes into one directory. os.Root keeps whatever a tree or another
// process puts in the way from leading outside. It is for one goroutine.
type outDir struct {
	plan  *Plan
	root  *os.Root
	owner *Owner         // whom to give what is made; nil: leave it
	stats bool           // keep last
	last  index.FileStat // of the file made last: not known here
	Dev   int64          // of the directory, if it is one that was there: not known here

	replace bool // what is at a file's place
}

// OpenOutDir opens a directory to write a plan into.
func OpenOutDir(path string, p *Plan) (*outDir, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &outDir{plan: p, root: root}, nil
}

func (o *outDir) Close() { _ = o.root.Close() }

func (o *outDir) mkdir(dir int32) error {
	if o.owner != nil {
		return fmt.Errorf("files that belong to another user: %w", errors.ErrUnsupported)
	}
	if dir == 0 {
		return nil
	}
	return o.root.Mkdir(filepath.FromSlash(o.plan.DirPath(dir)), 0o755)
}

// write makes a file of the plan and says so only when all of it is there.
func (o *outDir) write(f PlanFile, content []byte) error {
	return o.stream(f, func(w io.Writer) (int64, error) {
		n, err := w.Write(content)
		return int64(n), err
	})
}

// stream is write for content that fill brings in pieces.
func (o *outDir) stream(f PlanFile, fill func(io.Writer) (int64, error)) error {
	if o.replace {
		if err := o.unlink(f.Dir, f.Name); err != nil {
			return err
		}
	}
	file, err := o.root.OpenFile(filepath.FromSlash(o.plan.FilePath(f)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, os.FileMode(f.perm()))
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
	return errors.Join(err, file.Close())
}

// remove takes a file of the plan away and says how many bytes it had.
func (o *outDir) remove(f PlanFile) (int64, error) {
	name := filepath.FromSlash(o.plan.FilePath(f))
	info, err := o.root.Lstat(name)
	if err != nil {
		return 0, err
	}
	return info.Size(), o.root.Remove(name)
}

func (o *outDir) symlink(f PlanFile, target string) error {
	if o.replace {
		if err := o.unlink(f.Dir, f.Name); err != nil {
			return err
		}
	}
	return o.root.Symlink(target, filepath.FromSlash(o.plan.FilePath(f)))
}
