//go:build !unix

package files

import (
	"io/fs"
	"os"
	"path/filepath"
)

// remove opens every folder from the one above. Removing a junction does not
// reach behind it.
func (r *remover) remove(path string) error {
	above, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer above.Close()
	name := filepath.Base(path)
	info, err := above.Lstat(name)
	if err != nil {
		return err
	}
	return r.removeAt(above, name, info.IsDir())
}

func (r *remover) removeAt(above *os.Root, name string, isDir bool) error {
	if isDir {
		if empty, err := r.empty(above, name); err != nil || !empty {
			return err
		}
	}
	err := above.Remove(name)
	if err != nil && above.Chmod(name, 0o700) == nil { // it was read-only
		err = above.Remove(name)
	}
	return err
}

// empty removes what is in a directory, and tells whether all is gone.
func (r *remover) empty(above *os.Root, name string) (bool, error) {
	dir, err := above.OpenRoot(name)
	if err != nil {
		return false, err
	}
	defer dir.Close()
	entries, err := fs.ReadDir(dir.FS(), ".")
	if err != nil {
		return false, err
	}
	all := true
	for _, entry := range entries {
		if r.done() {
			return false, nil
		}
		if err := r.removeAt(dir, entry.Name(), entry.IsDir()); err != nil {
			r.fail(err)
			all = false
		}
	}
	return all && !r.stopped, nil
}
