//go:build !unix

package worktree

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/bittrance/kitops/poller/git/object"
)

const hasModes = false // of files

// Identity is the directory itself, which is not known here.
func (o *outDir) Identity() (dirID, error) {
	_, err := o.root.Stat(".")
	return dirID{}, err
}

func (o *outDir) path(dir int32, name string) string {
	return filepath.Join(filepath.FromSlash(o.plan.DirPath(dir)), name)
}

// enter says whether a directory of the plan is there.
func (o *outDir) enter(dir int32) (bool, error) {
	for at := dir; at != 0; at = o.plan.Dirs[at].parent {
		info, err := o.root.Lstat(filepath.FromSlash(o.plan.DirPath(at)))
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// self is a directory of the plan, if it is there. No more of it is known here.
func (o *outDir) self(dir int32) (fileInfo, error) {
	there, err := o.enter(dir)
	if err == nil && !there {
		err = fs.ErrNotExist
	}
	return fileInfo{kind: object.ModeDir, perm: 0o755}, err
}

// look says what a name in a directory of the plan is.
func (o *outDir) look(dir int32, name string) (fileInfo, error) {
	info, err := o.root.Lstat(o.path(dir, name))
	if err != nil {
		return fileInfo{}, err
	}
	i := fileInfo{size: info.Size()}
	switch {
	case info.Mode().IsRegular():
		i.kind = object.ModeFile
	case info.Mode()&fs.ModeSymlink != 0:
		i.kind = object.ModeSymlink
	case info.IsDir():
		i.kind = object.ModeDir
	}
	return i, nil
}

// openFile opens a file that look found, to read it.
func (o *outDir) openFile(dir int32, name string, _ *fileInfo) (io.ReadCloser, error) {
	return o.root.Open(o.path(dir, name))
}

func (o *outDir) readlink(dir int32, name string) (string, error) {
	return o.root.Readlink(o.path(dir, name))
}

// names lists a directory of the plan.
func (o *outDir) names(dir int32) ([]string, error) {
	file, err := o.root.Open(filepath.FromSlash(o.plan.DirPath(dir)))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return file.Readdirnames(-1)
}

// unlink removes a file, if it is there and no directory.
func (o *outDir) unlink(dir int32, name string) error {
	info, err := o.root.Lstat(o.path(dir, name))
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
		return nil
	}
	if err != nil {
		return err
	}
	return o.root.Remove(o.path(dir, name))
}

// rmdir removes a directory of the plan, if it is there and empty.
func (o *outDir) rmdir(dir int32) error {
	inside, err := o.names(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(inside) > 0 {
		return nil
	}
	if err != nil {
		return err
	}
	return o.root.Remove(filepath.FromSlash(o.plan.DirPath(dir)))
}

// UnlockTop has nothing to do where directories have no modes.
func UnlockTop(_, _ string) error { return nil }

// RemoveAll removes whatever a name in a directory of the plan is, with all that
// is in it.
func (o *outDir) RemoveAll(dir int32, name string) error {
	return o.root.RemoveAll(o.path(dir, name))
}
