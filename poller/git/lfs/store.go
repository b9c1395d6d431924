package lfs

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/bittrance/kitops/poller/files"
)

const unfinished = ".part" // ends the name of what has not come whole

// ErrSpoilt says that what the store had was not what it was called, and is gone now.
var ErrSpoilt = errors.New("a Git LFS object was damaged on the disk")

// Store keeps contents by their SHA-256 in a directory. What is in use stays; of all else what was used last, up to a limit.
// It is safe for concurrent use; nobody else may use the directory, which may be lost between calls.
type Store struct {
	mu   sync.Mutex
	used map[string]int
}

// Use has contents stay until done is called.
func (s *Store) Use(all []Pointer) (done func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used == nil {
		s.used = map[string]int{}
	}
	for _, p := range all {
		s.used[p.OID]++
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, p := range all {
			if s.used[p.OID]--; s.used[p.OID] == 0 {
				delete(s.used, p.OID)
			}
		}
	}
}

func path(dir, oid string) string { return filepath.Join(dir, oid[:2], oid) }

// Has says whether a content is there, by its name and size, and notes that it is wanted.
func Has(dir string, p Pointer) bool {
	info, err := os.Lstat(path(dir, p.OID))
	if err != nil || !info.Mode().IsRegular() || info.Size() != p.Size {
		return false
	}
	now := time.Now()
	_ = os.Chtimes(path(dir, p.OID), now, now) // only what goes first depends on it
	return true
}

// Same says whether a content is that of a pointer.
func Same(content io.Reader, p Pointer) bool {
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(content, p.Size+1))
	return err == nil && n == p.Size && hex.EncodeToString(sum.Sum(nil)) == p.OID
}

// Copy writes a content. What is not as it is called is removed, and the error is [ErrSpoilt].
func Copy(to io.Writer, dir string, p Pointer) error {
	if p.Size == 0 {
		return nil
	}
	f, err := files.OpenRegular(path(dir, p.OID))
	if errors.Is(err, fs.ErrNotExist) { // somebody else has found it damaged
		err = errors.Join(ErrSpoilt, err)
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(to, sum), io.LimitReader(f, p.Size+1))
	if err != nil {
		return err
	}
	if n != p.Size || hex.EncodeToString(sum.Sum(nil)) != p.OID {
		return errors.Join(ErrSpoilt, os.Remove(path(dir, p.OID)))
	}
	return nil
}

// Weed removes those of some contents that are not as they are called. The caller sees that nothing comes meanwhile.
func Weed(ctx context.Context, dir string, all []Pointer) error {
	var errs []error
	for _, p := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !Has(dir, p) {
			continue
		}
		if err := Copy(io.Discard, dir, p); !errors.Is(err, ErrSpoilt) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// entry is a file of the store.
type entry struct {
	path string
	size int64
	at   time.Time
}

// Trim removes what was used longest ago until no more than limit bytes are there, and what has not come whole for a day.
func (s *Store) Trim(dir string, limit int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []entry
	var total int64
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			all = append(all, entry{path, info.Size(), info.ModTime()})
			total += info.Size()
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.path, b.path)) })
	for _, e := range all {
		name := filepath.Base(e.path)
		stale := filepath.Ext(name) == unfinished && time.Since(e.at) > 24*time.Hour
		if total <= limit && !stale || s.used[name[:min(len(name), 2*sha256.Size)]] > 0 {
			continue
		}
		if gone := os.Remove(e.path); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
			continue
		}
		total -= e.size
	}
	return err
}
