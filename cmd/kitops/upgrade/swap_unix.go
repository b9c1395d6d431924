//go:build unix

package upgrade

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/bittrance/kitops/poller/files"
)

// Old is where the program that was replaced is kept.
func (s *Swap) Old() string { return s.Target + ".old" }

func (s *Swap) sweepOld() {}

// replace never leaves a moment without a program at the target.
func (s *Swap) replace(path string) error {
	kept := path + ".old" // swept with the other, should this be the end
	s.at("link")
	if err := s.copyTo(kept); err != nil {
		return err
	}
	s.at("keep")
	err := os.Rename(kept, s.Old())
	_ = os.Remove(kept) // is there still where both names were one file's already
	if err != nil {
		return err
	}
	s.at("rename")
	return os.Rename(path, s.Target)
}

// copyTo gives the target another name, or a copy where there are no hard links.
func (s *Swap) copyTo(kept string) error {
	err := os.Link(s.Target, kept)
	if !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.ENOTSUP) && !errors.Is(err, syscall.EMLINK) {
		return err
	}
	from, err := os.Open(s.Target)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(kept, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if err = errors.Join(err, to.Sync(), to.Close()); err != nil {
		return err
	}
	return likeness(kept, s.Target)
}

// Restore puts the old program back.
func (s *Swap) Restore() error {
	old := s.Old()
	if _, err := os.Stat(old); err != nil {
		return fmt.Errorf("the former program is gone: %w", err)
	}
	if same(old, s.Target) {
		return nil
	}
	temporary := filepath.Join(filepath.Dir(s.Target), fmt.Sprintf("%srestored-%d", tempPrefix, os.Getpid()))
	_ = os.Remove(temporary) // of one with this process id that was killed: in a container it is always 1
	s.at("restore: link")
	if err := (&Swap{Target: old}).copyTo(temporary); err != nil {
		return err
	}
	s.at("restore: rename")
	return errors.Join(os.Rename(temporary, s.Target), files.SyncDir(filepath.Dir(s.Target)))
}

// likeness gives a file the owner, the mode, the SELinux label and the file
// capabilities of another.
func likeness(path, model string) error {
	info, err := os.Stat(model)
	if err != nil {
		return err
	}
	owner := info.Sys().(*syscall.Stat_t)
	now, err := os.Stat(path)
	if err != nil {
		return err
	}
	if mine := now.Sys().(*syscall.Stat_t); mine.Uid != owner.Uid || mine.Gid != owner.Gid {
		if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
			return err
		}
	}
	bits := info.Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
	if err := os.Chmod(path, bits); err != nil { // after the owner, whose change takes setuid away
		return err
	}
	return copyLabels(path, model)
}

func readOnly(err error) bool { return errors.Is(err, syscall.EROFS) }
