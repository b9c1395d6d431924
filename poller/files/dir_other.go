//go:build !unix

package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Windows keeps directories of other users closed by default, and its links
// are for administrators to make.

const noFollow = 0

func strict() bool { return false }

func trace(path string) (real string, found *finding, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return "", nil, err
	}
	real, err = filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil, nil
	}
	return real, nil, err
}

func stranger(fs.FileInfo) (problem, remedy string) { return "", "" }

func ownerless(string) bool { return false }

func (d *Dir) openFile(name string, flag int, mode fs.FileMode) (*os.File, error) {
	return d.root.OpenFile(name, flag, mode)
}
