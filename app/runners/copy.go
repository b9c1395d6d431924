package runners

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Copy makes the directories of a runner, which are its own from then on.
type Copy struct {
	Template string // the directory that the runner program was installed in; "": none
	User     *User  // whose they are; nil: kitops' own
}

// User is whom the jobs run as.
type User struct {
	Name     string
	UID, GID int
	Groups   []int
}

// registered are files of a runner that somebody has registered by hand, or that has run: each runner has its own.
func registered(name string) bool {
	return slices.Contains([]string{"_work", "_diag", ".runner", ".credentials", ".credentials_rsaparams", ".service"}, name)
}

// Make copies the template to dir, and makes home and temp. Nobody else gets into the directory above them before it returns.
func (c Copy) Make(ctx context.Context, dir, home, temp string) error {
	above := filepath.Dir(dir)
	if err := os.MkdirAll(filepath.Dir(above), 0o711); err != nil {
		return fmt.Errorf("make a directory for runners: %w", err)
	}
	if err := os.Mkdir(above, 0o700); err != nil {
		return fmt.Errorf("make the directory of a runner: %w", err)
	}
	for _, own := range []string{dir, home, temp} {
		if err := errors.Join(os.Mkdir(own, 0o700), c.give(own)); err != nil {
			return fmt.Errorf("make the directory of a runner: %w", err)
		}
	}
	if c.Template != "" {
		t := &transfer{Copy: c, reflinks: true}
		if err := t.tree(ctx, dir); err != nil {
			return fmt.Errorf("copy the runner program: %w", err)
		}
	}
	return os.Chmod(above, 0o711) //nolint:gosec // the job's user passes, and sees nothing
}

func (c Copy) give(path string) error {
	if c.User == nil {
		return nil
	}
	return os.Lchown(path, c.User.UID, c.User.GID)
}

// transfer is one copy under way.
type transfer struct {
	Copy
	reflinks bool // the file system may have them
}

func (t *transfer) tree(ctx context.Context, dir string) error {
	if above, err := os.Stat(filepath.Dir(t.Template)); err == nil && t.writable(above) {
		return t.unsafe(filepath.Dir(t.Template))
	}
	return filepath.WalkDir(t.Template, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		relative, err := filepath.Rel(t.Template, path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if path == t.Template {
			info, err = os.Stat(path) // it may be a link
		}
		if err != nil {
			return err
		}
		if info.Mode()&fs.ModeSymlink == 0 && t.writable(info) {
			return t.unsafe(path)
		}
		to := filepath.Join(dir, relative)
		switch {
		case relative == ".":
			return nil
		case registered(relative) && entry.IsDir():
			return fs.SkipDir
		case registered(relative):
			return nil
		case entry.IsDir():
			err = os.Mkdir(to, info.Mode().Perm()|0o700)
		case info.Mode()&fs.ModeSymlink != 0:
			var target string
			if target, err = os.Readlink(path); err == nil {
				err = os.Symlink(target, to)
			}
		case info.Mode().IsRegular():
			return t.file(path, to, info)
		default:
			return fmt.Errorf("%s is neither a file, a directory nor a link", path)
		}
		return errors.Join(err, t.give(to))
	})
}

func (t *transfer) unsafe(path string) error {
	return fmt.Errorf("%s can be written by %s, so a job could change the runner of the next one: chown -R root %s and chmod -R go-w it", path, t.User.Name, path)
}

// writable tells whether the jobs' user may change what a file or directory is. Where it is kitops' own user, nothing else is to be had.
func (t *transfer) writable(info fs.FileInfo) bool {
	if t.User == nil {
		return false
	}
	uid, gid, known := ownerOf(info)
	mode := info.Mode()
	switch {
	case !known:
		return false
	case uid == t.User.UID, mode&0o002 != 0 && mode&fs.ModeSticky == 0:
		return true
	}
	return mode&0o020 != 0 && (gid == t.User.GID || slices.Contains(t.User.Groups, gid))
}

// file makes a copy that shares the blocks of the original until one of them is written, else a hard link where the jobs'
// user cannot write the original, else one byte by byte.
func (t *transfer) file(from, to string, info fs.FileInfo) error {
	if t.linkable(info) && !t.reflinks && os.Link(from, to) == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return err
	}
	if t.reflinks {
		if err = reflink(out, in); err != nil {
			t.reflinks = false
			if t.linkable(info) {
				out.Close()
				if err := os.Remove(to); err != nil {
					return err
				}
				return t.file(from, to, info)
			}
		}
	}
	if !t.reflinks {
		_, err = io.Copy(out, in)
	}
	return errors.Join(err, out.Chmod(info.Mode().Perm()), t.give(to), out.Close())
}

// linkable tells files that the jobs' user may read and cannot change.
func (t *transfer) linkable(info fs.FileInfo) bool {
	if t.User == nil || t.User.UID == 0 {
		return false
	}
	uid, _, known := ownerOf(info)
	mode := info.Mode()
	return known && uid != t.User.UID && mode&0o022 == 0 && mode&0o004 != 0 && mode&(fs.ModeSetuid|fs.ModeSetgid) == 0
}
