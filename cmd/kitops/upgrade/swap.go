package upgrade

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bittrance/kitops/poller/files"
)

// tempPrefix begins the names of programs that are being written.
const tempPrefix = ".kitops-upgrade-"

// Swap puts another program in place of the one at Target.
type Swap struct {
	Target string            // links followed
	step   func(name string) // of tests: called before each call that changes anything
}

// begin makes the file that is to be the new program. It is in the folder of
// the target: a rename does not leave a file system.
func (s *Swap) begin() (*os.File, error) {
	s.at("sweep")
	s.sweep()
	s.at("create")
	file, err := os.CreateTemp(filepath.Dir(s.Target), tempPrefix+"*"+filepath.Ext(s.Target))
	if err != nil {
		return nil, fmt.Errorf("write beside %s: %w", s.Target, err)
	}
	return file, nil
}

// seal has the new program on the disk, ready to be tried by anybody.
func (s *Swap) seal(file *os.File) error {
	s.at("mode")
	err := file.Chmod(0o755)
	s.at("sync")
	if err = errors.Join(err, file.Sync()); err != nil {
		err = fmt.Errorf("write %s: %w", file.Name(), err)
	}
	return errors.Join(err, file.Close())
}

// finish puts the new program in place of the old one, which stays beside it.
// Owner, mode and labels are the old one's.
func (s *Swap) finish(path string) error {
	s.at("attributes")
	if err := likeness(path, s.Target); err != nil {
		return fmt.Errorf("make %s like %s: %w", path, s.Target, err)
	}
	if err := s.replace(path); err != nil {
		return fmt.Errorf("replace %s: %w", s.Target, err)
	}
	s.at("sync the folder")
	return files.SyncDir(filepath.Dir(s.Target))
}

// sweep removes what a killed upgrade was writing.
func (s *Swap) sweep() {
	entries, _ := os.ReadDir(filepath.Dir(s.Target))
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), tempPrefix) && entry.Type().IsRegular() {
			_ = os.Remove(filepath.Join(filepath.Dir(s.Target), entry.Name()))
		}
	}
	s.sweepOld()
}

func (s *Swap) at(name string) {
	if s.step != nil {
		s.step(name)
	}
}

// same tells whether two paths lead to one file.
func same(a, b string) bool {
	first, err := os.Stat(a)
	second, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(first, second)
}

// refused tells whether a folder cannot be written to, whoever asks.
func refused(err error) bool {
	return errors.Is(err, fs.ErrPermission) || readOnly(err)
}
