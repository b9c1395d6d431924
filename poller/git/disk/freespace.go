package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// What stays free of a disk.
const (
	MaxReserve   = 256 << 20 // bytes that stay free, for what else is on the disk; on small ones:
	reservePart  = 20        // a twentieth
	roomInterval = 64 << 20  // bytes written until the file system is asked again: others fill it as well
	blockSize    = 4 << 10   // bytes that even the smallest file takes
)

// ErrNoRoom says that the disk must keep what it has free.
var ErrNoRoom = errors.New("no room on the disk")

// Space is the room that a file system has, in bytes.
type Space struct {
	Free  uint64 // for this user
	Total uint64 // 0: unknown
}

// reserve is what the agent leaves free.
func (s Space) reserve() uint64 { return min(MaxReserve, s.Total/reservePart) }

// usable is what the agent may write; a file system that tells nothing has no end.
func (s Space) usable() int64 {
	if s.Total == 0 {
		return math.MaxInt64
	}
	return int64(min(s.Free, math.MaxInt64)) - int64(s.reserve())
}

// FreeSpace refuses writes before they fill a file system. It is safe for concurrent
// use; a nil one has no end.
type FreeSpace struct {
	Dir   string // on the file system
	Space func(dir string) (Space, error)

	Left atomic.Int64 // bytes to be written until it is asked again
	mu   sync.Mutex
}

// Take is called before n bytes are written.
func (r *FreeSpace) Take(n int64) error {
	if r == nil || r.Left.Add(-n) >= 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Left.Load() >= 0 {
		return nil // another one has asked
	}
	space, err := r.Space(r.Dir)
	if err != nil {
		r.Left.Store(roomInterval)
		return nil // where nobody can tell, writing will
	}
	if space.usable() < n {
		return r.refusal(space, ErrNoRoom)
	}
	r.Left.Store(min(roomInterval, space.usable()) - n)
	return nil
}

// TakeFile is take for a file, which has whole blocks.
func (r *FreeSpace) TakeFile(size int64) error {
	return r.Take((size + blockSize - 1) &^ (blockSize - 1))
}

func (r *FreeSpace) refusal(s Space, err error) error {
	return fmt.Errorf("%w: %d MB are free in %s, of which %d MB stay so: make room, or name another disk with --repo-dir", err, s.Free>>20, r.Dir, s.reserve()>>20)
}

// Explain adds to the error of a full disk how full it is and what to do.
func (r *FreeSpace) Explain(err error) error {
	var at *fs.PathError
	if err == nil || !Full(err) {
		return err
	}
	if errors.As(err, &at) && filepath.IsAbs(at.Path) {
		r.Dir = filepath.Dir(at.Path)
	}
	space, asked := r.Space(r.Dir)
	if asked != nil {
		return err
	}
	return r.refusal(space, err)
}

// Reader is for what is saved as it is read.
func (r *FreeSpace) Reader(from io.Reader) io.Reader { return &roomReader{from, r} }

type roomReader struct {
	from io.Reader
	room *FreeSpace
}

func (r *roomReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	if refused := r.room.Take(int64(n)); refused != nil {
		return 0, refused
	}
	return n, err
}
