package pack

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/object"
)

const (
	spoolPage  = 16 << 10  // bytes of a spool read at once,
	spoolPages = 64        // and how many such pieces stay in memory
	spoolPiece = 128 << 10 // bytes copied at once
)

// Spools is where large objects are while something is made of them.
type Spools struct {
	Dir  string          // "": that of the system
	Room *disk.FreeSpace // of its file system; nil: nobody looks
}

// spool is a large object in a file, which has no name where the system can do
// that. It is for one goroutine.
type spool struct {
	file  *os.File
	room  *disk.FreeSpace
	size  int64
	pages map[int64][]byte // by their number; none: nothing was read yet
	read  int64            // bytes of pages, each time that they were read
}

func (s Spools) create() (*spool, error) {
	file, err := os.CreateTemp(s.Dir, object.TmpPrefix+"large_")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(file.Name()) // on Windows that is for close
	return &spool{file: file, room: s.Room}, nil
}

// Write appends.
func (s *spool) Write(p []byte) (int, error) {
	if err := s.room.Take(int64(len(p))); err != nil {
		return 0, err
	}
	n, err := s.file.WriteAt(p, s.size)
	s.size += int64(n)
	return n, err
}

// ReadAt reads what was written before the first time that it is called. Small
// pieces come from pages, since a delta can consist of millions of them.
func (s *spool) ReadAt(p []byte, offset int64) (int, error) {
	if len(p) >= spoolPage {
		return s.file.ReadAt(p, offset)
	}
	done := 0
	for done < len(p) {
		page, err := s.page((offset + int64(done)) / spoolPage)
		if err != nil {
			return done, err
		}
		within := int((offset + int64(done)) % spoolPage)
		if within >= len(page) {
			return done, io.EOF
		}
		done += copy(p[done:], page[within:])
	}
	return done, nil
}

func (s *spool) page(number int64) ([]byte, error) {
	if page, ok := s.pages[number]; ok {
		return page, nil
	}
	var page []byte
	if s.pages == nil {
		s.pages = make(map[int64][]byte, spoolPages)
	}
	if len(s.pages) >= spoolPages {
		for old, data := range s.pages { // any: what a delta takes next is unknown
			page = data
			delete(s.pages, old)
			break
		}
	} else {
		page = make([]byte, spoolPage)
	}
	n, err := s.file.ReadAt(page[:spoolPage], number*spoolPage)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	s.read += spoolPage
	s.pages[number] = page[:n]
	return page[:n], nil
}

// close removes the file.
func (s *spool) close() error {
	if s == nil {
		return nil
	}
	err := s.file.Close()
	if gone := os.Remove(s.file.Name()); !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// Base is an object that deltas lean on: in memory, or in a file until it is
// closed where it is large.
type Base struct {
	Kind  object.Kind
	Data  []byte
	spool *spool // nil: in memory
}

// Size is how many bytes it has.
func (b Base) Size() int64 {
	if b.spool != nil {
		return b.spool.size
	}
	return int64(len(b.Data))
}

// Close removes the file of a large one.
func (b Base) Close() error { return b.spool.close() }

// copyTo writes all of it.
func (b Base) copyTo(w io.Writer) error {
	if b.spool == nil {
		_, err := w.Write(b.Data)
		return err
	}
	_, err := io.CopyBuffer(struct{ io.Writer }{w}, io.NewSectionReader(b.spool, 0, b.spool.size), make([]byte, spoolPiece))
	return err
}

// NewSpool makes a large object of a kind, of what is written to it.
func (s Spools) NewSpool(kind object.Kind, write func(io.Writer) error) (Base, error) {
	file, err := s.create()
	if err != nil {
		return Base{}, err
	}
	if err := write(file); err != nil {
		return Base{}, errors.Join(err, file.close())
	}
	return Base{Kind: kind, spool: file}, nil
}

// readAt fills p from an offset; both are within the object.
func (b Base) readAt(p []byte, offset int64) error {
	if b.spool == nil {
		copy(p, b.Data[offset:])
		return nil
	}
	_, err := b.spool.ReadAt(p, offset)
	return err
}
