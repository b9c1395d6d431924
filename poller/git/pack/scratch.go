package pack

import (
	"errors"
	"os"
	"sync/atomic"

	"github.com/bittrance/kitops/poller/git/object"
)

const (
	pageBytes = 16 << 10 // held in memory, or not, at once
	heldPages = 256      // 4 MB, the entries of 120,000 objects
)

// Scratch is memory for lists of records. Of lists that are larger than it may
// hold, the pages that were used last are in memory, the others in a file
// without a name of its own, which goes with Close. It is for one goroutine.
type Scratch struct {
	dir     string // of the file; "": all stays in memory
	limit   int    // pages held
	file    *os.File
	end     int64 // of the file
	held    []*page
	hand    int // where the search for a page to let go went last
	touches int

	// Err is what writing or reading the file met first. From then on records read
	// as zeros.
	Err error
}

// page is some records of a list.
type page struct {
	data    []byte // nil: in the file only
	at      int64  // in the file; 0: never was there
	changed bool
	touched int          // when
	awaited atomic.Int32 // records that other goroutines write to yet
}

// NewScratch has its file in a directory, if it comes to need one. Without a
// directory all stays in memory.
func NewScratch(dir string) *Scratch { return &Scratch{dir: dir, limit: heldPages} }

// Close removes the file.
func (s *Scratch) Close() error {
	if s.file == nil {
		return nil
	}
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}

// touch has a page in memory. It stays there for as many further touches as
// half of the limit.
func (s *Scratch) touch(p *page) []byte {
	s.touches++
	p.touched = s.touches
	if p.data == nil {
		s.hold(p)
		if p.at > 0 {
			if _, err := s.file.ReadAt(p.data, p.at); err != nil {
				s.Err = errors.Join(s.Err, err)
				clear(p.data)
			}
		}
	}
	return p.data
}

// hold gives a page memory, another one's if need be.
func (s *Scratch) hold(p *page) {
	if i, ok := s.victim(); ok {
		p.data, s.held[i].data = s.held[i].data, nil
		s.held[i] = p
		return
	}
	p.data = make([]byte, pageBytes)
	s.held = append(s.held, p)
}

// victim is a held page that can go.
func (s *Scratch) victim() (int, bool) {
	if s.dir == "" || len(s.held) < s.limit || s.Err != nil {
		return 0, false
	}
	for range s.held {
		s.hand = (s.hand + 1) % len(s.held)
		if p := s.held[s.hand]; s.touches-p.touched > s.limit/2 && p.awaited.Load() == 0 {
			s.save(p)
			return s.hand, s.Err == nil
		}
	}
	return 0, false
}

func (s *Scratch) save(p *page) {
	if !p.changed {
		return
	}
	if p.at == 0 {
		p.at, s.Err = s.extend(pageBytes)
	}
	if s.Err == nil {
		_, s.Err = s.file.WriteAt(p.data, p.at)
	}
	p.changed = false
}

// extend takes a part of the file. It begins behind the first byte, which none has.
func (s *Scratch) extend(n int64) (at int64, err error) {
	if s.file == nil {
		if s.file, err = os.CreateTemp(s.dir, object.TmpPrefix+"scratch_"); err != nil {
			return 0, err
		}
		s.end = pageBytes
	}
	at = s.end
	s.end += n
	return at, nil
}
