package upgrade

import (
	"context"
	"io/fs"
	"os"
	"strings"
	"time"
)

// TargetOf is where a program is installed: the running one may be the former
// program, which is kept beside it.
func TargetOf(executable string) string {
	target := strings.TrimSuffix(executable, ".old")
	if _, err := os.Stat(target); err != nil {
		return executable
	}
	return target
}

// Successor watches for another program where this one came from.
type Successor struct {
	Program string
	Version string // of this one
	Trier   Trier
	Every   time.Duration // between two looks
	Memory  Memory

	own fs.FileInfo
}

// Mark notes what is there now. Call it before the program can have been replaced.
func (s *Successor) Mark() { s.own, _ = os.Stat(s.Program) }

// Await returns when another program is there that has stopped changing and
// works. It tells of one that does not work, once. False is for ctx.
func (s *Successor) Await(ctx context.Context, tell func(err error)) (version string, ok bool) {
	ticker := time.NewTicker(s.Every)
	defer ticker.Stop()
	settled, before := s.own, s.own
	for {
		select {
		case <-ctx.Done():
			return "", false
		case <-ticker.C:
		}
		now, err := os.Stat(s.Program)
		if err != nil || unchanged(now, settled) {
			continue // gone, or nothing new
		}
		if !unchanged(now, before) {
			before = now
			continue // being written
		}
		settled = now
		if s.own != nil && os.SameFile(now, s.own) {
			continue // this one was put back
		}
		if version, err = s.try(ctx); err == nil {
			return version, true
		}
		if ctx.Err() == nil {
			tell(err)
		}
	}
}

func (s *Successor) try(ctx context.Context) (string, error) {
	version, err := s.Trier.Version(ctx, s.Program)
	if err == nil {
		err = s.Trier.Try(ctx, s.Program, version)
	}
	return version, err
}

// Announce has the next start prove itself, where this program is kept for the
// case that it does not.
func (s *Successor) Announce(version string) error {
	old, err := os.Stat((&Swap{Target: s.Program}).Old())
	if err != nil || s.own == nil || !os.SameFile(old, s.own) {
		return nil //nolint:nilerr // it was replaced by somebody else
	}
	return s.Memory.write(recordFile, Record{From: s.Version, To: version})
}

func unchanged(a, b fs.FileInfo) bool {
	return a != nil && b != nil && os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
