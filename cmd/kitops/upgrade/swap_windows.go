package upgrade

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/windows"
)

// busyLimit is how long a virus scanner may hold a file.
const busyLimit = 5 * time.Second

// oldMark is in the names of programs that were replaced. Each is another: the
// file of a program that runs stays until it has ended.
const oldMark = ".old-"

// Old is where the program that was replaced last is kept, "" for nowhere.
func (s *Swap) Old() string {
	newest, at := "", time.Time{}
	for _, path := range s.olds() {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(at) {
			newest, at = path, info.ModTime()
		}
	}
	return newest
}

func (s *Swap) olds() []string {
	paths, _ := filepath.Glob(s.Target + oldMark + "*")
	return paths
}

// sweepOld removes the programs that were replaced, but for the last, and for
// those that run still.
func (s *Swap) sweepOld() {
	last := s.Old()
	for _, path := range s.olds() {
		if path != last {
			_ = os.Remove(path)
		}
	}
}

// replace moves the target away first: Windows replaces no program that runs.
func (s *Swap) replace(path string) error {
	old := s.Target + oldMark + strconv.FormatInt(time.Now().UnixNano(), 36)
	s.at("move away")
	if err := patiently(func() error { return os.Rename(s.Target, old) }); err != nil {
		return err
	}
	now := time.Now()
	_ = os.Chtimes(old, now, now) // by which Old knows it
	s.at("rename")
	err := patiently(func() error { return os.Rename(path, s.Target) })
	if err != nil {
		err = errors.Join(err, os.Rename(old, s.Target))
	}
	return err
}

// Restore puts the old program back.
func (s *Swap) Restore() error {
	old := s.Old()
	if old == "" {
		return fmt.Errorf("the former program is gone: %w", fs.ErrNotExist)
	}
	bad := s.Target + oldMark + strconv.FormatInt(time.Now().UnixNano(), 36)
	if err := patiently(func() error { return os.Rename(s.Target, bad) }); err != nil {
		return err
	}
	return patiently(func() error { return os.Rename(old, s.Target) })
}

// patiently repeats what fails for a file that is held by somebody.
func patiently(call func() error) error {
	for end := time.Now().Add(busyLimit); ; time.Sleep(100 * time.Millisecond) {
		err := call()
		held := errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED)
		if !held || time.Now().After(end) {
			return err
		}
	}
}

// likeness has nothing to do: a file has the rights of its folder.
func likeness(_, _ string) error { return nil }

func readOnly(error) bool { return false }
