//go:build !unix

package safedir

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
)

// HasModes says whether files have modes here.
const HasModes = false

// KeepsModes tells whether the file system keeps the modes that files are given.
func KeepsModes(string, Fail) bool { return HasModes }

// Belongs says whether the directory itself belongs to an owner: nobody can tell here.
func (d *Dir) Belongs(*Owner) (bool, error) { return true, nil }

// Identity is the directory itself, which is not known here.
func (d *Dir) Identity() (ID, error) {
	_, err := d.root.Stat(".")
	return ID{}, err
}

func (d *Dir) path(dir int32, name string) string {
	return filepath.Join(filepath.FromSlash(d.tree.path(dir)), name)
}

// Enter says whether a directory of the tree is there.
func (d *Dir) Enter(dir int32) (bool, error) {
	for at := dir; at != 0; at, _ = d.tree(at) {
		info, err := d.root.Lstat(filepath.FromSlash(d.tree.path(at)))
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// Self is a directory of the tree, if it is there. No more of it is known here.
func (d *Dir) Self(dir int32) (Info, error) {
	there, err := d.Enter(dir)
	if err == nil && !there {
		err = fs.ErrNotExist
	}
	return Info{Kind: Directory, Perm: 0o755}, err
}

// Look says what a name in a directory of the tree is.
func (d *Dir) Look(dir int32, name string) (Info, error) {
	info, err := d.root.Lstat(d.path(dir, name))
	if err != nil {
		return Info{}, err
	}
	i := Info{Stat: Stat{Size: info.Size()}}
	switch {
	case info.Mode().IsRegular():
		i.Kind = Regular
	case info.Mode()&fs.ModeSymlink != 0:
		i.Kind = Symlink
	case info.IsDir():
		i.Kind = Directory
	}
	return i, nil
}

// OpenFile opens a file that look found, to read it.
func (d *Dir) OpenFile(dir int32, name string, _ *Info) (io.ReadCloser, error) {
	return d.root.Open(d.path(dir, name))
}

func (d *Dir) Readlink(dir int32, name string) (string, error) {
	return d.root.Readlink(d.path(dir, name))
}

// Names lists a directory of the tree.
func (d *Dir) Names(dir int32) ([]string, error) {
	file, err := d.root.Open(filepath.FromSlash(d.tree.path(dir)))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return file.Readdirnames(-1)
}

// Unlink removes a file, if it is there and no directory.
func (d *Dir) Unlink(dir int32, name string) error {
	info, err := d.root.Lstat(d.path(dir, name))
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
		return nil
	}
	if err != nil {
		return err
	}
	return d.root.Remove(d.path(dir, name))
}

// Rmdir removes a directory of the tree, not the open one, if it is there and empty.
func (d *Dir) Rmdir(dir int32) error {
	inside, err := d.Names(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(inside) > 0 {
		return nil
	}
	if err != nil {
		return err
	}
	return d.root.Remove(filepath.FromSlash(d.tree.path(dir)))
}

// Unlock has nothing to do where directories have no modes.
func Unlock(_, _ string) error { return nil }

// RemoveAll removes whatever a name in a directory of the tree is, with all that
// is in it.
func (d *Dir) RemoveAll(dir int32, name string) error {
	return d.root.RemoveAll(d.path(dir, name))
}
