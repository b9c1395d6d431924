package files

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// NotMineError is a path on which somebody else could lead kitops elsewhere.
// Root gets it, and nothing was opened; other users get it as a doubt only.
type NotMineError struct {
	Path    string
	Problem string
	Remedy  string
}

func (e *NotMineError) Error() string { return fmt.Sprintf("%s %s: %s", e.Path, e.Problem, e.Remedy) }

// Real is the path that path leads to through links, which need not exist yet.
// It looks at each directory on the way as sshd does for a home (StrictModes):
// all must belong to root or the agent's user, and nobody else may write to
// them, but for sticky ones of root as /tmp is. Where root itself has mounted a
// volume that others may write to, as Kubernetes does for an emptyDir and for
// an fsGroup, it is made sticky.
//
// When the agent is root anything else is an error that is *[NotMineError].
// Otherwise, and on a file system without owners, that error is the doubt: it
// is to be told once, and the path is to be used.
func Real(path string) (real string, doubt, err error) {
	real, found, err := trace(path)
	if err != nil {
		return "", nil, err
	}
	return judge(real, found)
}

// judge makes of what was found on a way an error or a doubt.
func judge(real string, found *finding) (_ string, doubt, err error) {
	switch {
	case found == nil:
		return real, nil, nil
	case found.certain && strict():
		return "", nil, &found.NotMineError
	}
	return real, &found.NotMineError, nil
}

// finding is a place on the way that somebody else could change.
type finding struct {
	NotMineError
	certain bool // its file system has owners
}

// Dir is a directory of kitops' own, held open. What is in it is reached by
// name from its descriptor, never through a link. It may be used concurrently.
type Dir struct {
	path  string
	root  *os.Root
	doubt error
}

// MakeDir opens the directory at path, see [Real], and makes what is missing of
// it with this mode.
func MakeDir(path string, mode fs.FileMode) (*Dir, error) {
	real, doubt, err := Real(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(real, mode); err != nil {
		return nil, err
	}
	return open(real, doubt)
}

// OpenDir opens the directory at path, see [Real].
func OpenDir(path string) (*Dir, error) {
	real, doubt, err := Real(path)
	if err != nil {
		return nil, err
	}
	return open(real, doubt)
}

func open(real string, doubt error) (*Dir, error) {
	root, err := os.OpenRoot(real)
	if err != nil {
		return nil, err
	}
	return &Dir{path: real, root: root, doubt: doubt}, nil
}

// Path is where the directory was when it was opened, without links.
func (d *Dir) Path() string { return d.path }

// Doubt is what speaks against the directory, nil if nothing does.
func (d *Dir) Doubt() error { return d.doubt }

// Close gives the descriptor back.
func (d *Dir) Close() error { return d.root.Close() }

// Sub opens the directory of this name below, and makes it if it is missing.
// A link or a file in its place, and one that belongs to somebody else, is an
// error that is *[NotMineError]. The mode is set only where it differs; where
// the file system refuses that, it stays as it is.
func (d *Dir) Sub(name string, mode fs.FileMode) (*Dir, error) {
	if err := d.root.Mkdir(name, mode); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	path := filepath.Join(d.path, name)
	before, err := d.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !before.IsDir() {
		return nil, &NotMineError{path, "is not a directory but " + kindOf(before), "remove it"}
	}
	below, err := d.root.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	sub := &Dir{path: path, root: below}
	info, err := below.Stat(".")
	if err == nil && !os.SameFile(info, before) {
		err = &NotMineError{path, "was replaced while it was opened", "see who else writes there"}
	}
	if err == nil {
		err = admit(path, info)
	}
	if err == nil && info.Mode().Perm() != mode.Perm() {
		err = ignoreRefused(below.Chmod(".", mode))
	}
	if err != nil {
		return nil, errors.Join(err, below.Close())
	}
	return sub, nil
}

// SetGroup gives the directory to a group. It returns the error of the system where
// kitops may not do that.
func (d *Dir) SetGroup(gid int) error { return d.root.Chown(".", -1, gid) }

// Temp makes a directory of a new name below, which begins with prefix.
func (d *Dir) Temp(prefix string) (*Dir, error) {
	const letters = 10 // more would leave less room for the path of a socket
	name := prefix + rand.Text()[:letters]
	if err := d.root.Mkdir(name, 0o700); err != nil {
		return nil, err
	}
	return d.Sub(name, 0o700)
}

// MakeTemp makes a directory of a new name where the system has temporary files.
func MakeTemp(prefix string) (*Dir, error) {
	above, err := OpenDir(os.TempDir())
	if err != nil {
		return nil, err
	}
	defer above.Close()
	return above.Temp(prefix)
}

// Remove removes what has this name below, with all that is in it. A link is
// not followed.
func (d *Dir) Remove(name string) error { return d.root.RemoveAll(name) }

// Give gives what has this name below, and what is no directory, to a user.
func (d *Dir) Give(name string, uid, gid int) error { return d.root.Lchown(name, uid, gid) }

// SetMode sets the mode of the directory.
func (d *Dir) SetMode(mode fs.FileMode) error { return d.root.Chmod(".", mode) }

// OpenFile opens the file of this name below. A link in its place, what is no
// regular file, and one that belongs to somebody else, is an error that is
// *[NotMineError], and nothing was changed.
func (d *Dir) OpenFile(name string, flag int, mode fs.FileMode) (*os.File, error) {
	path := filepath.Join(d.path, name)
	if info, err := d.root.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return nil, &NotMineError{path, "is not a file but " + kindOf(info), "remove it"}
	}
	file, err := d.openFile(name, flag&^os.O_TRUNC, mode) // to be emptied only when it is known to be the right one
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &NotMineError{path, "is not a file but " + kindOf(info), "remove it"}
	}
	if err == nil {
		err = admit(path, info)
	}
	if err == nil && flag&os.O_TRUNC != 0 {
		err = file.Truncate(0)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// OpenFile opens a file by its path as [Dir.OpenFile] does in its directory. A
// directory that its owner may not read will do where no other user matters.
func OpenFile(path string, flag int, mode fs.FileMode) (*os.File, error) {
	dir, err := OpenDir(filepath.Dir(path))
	if errors.Is(err, fs.ErrPermission) && !strict() {
		return os.OpenFile(path, flag|noFollow, mode)
	}
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.OpenFile(filepath.Base(path), flag, mode)
}

// admit refuses what is somebody else's where that matters and can be told.
func admit(path string, info fs.FileInfo) error {
	problem, _ := stranger(info)
	if problem == "" || !strict() || ownerless(path) {
		return nil
	}
	return &NotMineError{path, problem, "remove it, or make it root's own"}
}

func kindOf(info fs.FileInfo) string {
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		return "a link"
	case mode.IsDir():
		return "a directory"
	case mode.IsRegular():
		return "a file"
	}
	return "a special file"
}

// Chmod changes the mode of a file that kitops has made. A file system that keeps
// no modes may refuse that.
func Chmod(path string, mode fs.FileMode) error { return ignoreRefused(os.Chmod(path, mode)) }

// ignoreRefused lets a file system that keeps no modes have its way.
func ignoreRefused(err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
