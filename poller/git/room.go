package git

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

const (
	maxReserve   = 256 << 20 // bytes that stay free, for what else is on the disk; on small ones:
	reservePart  = 20        // a twentieth
	roomInterval = 64 << 20  // bytes written until the file system is asked again: others fill it as well
	blockSize    = 4 << 10   // bytes that even the smallest file takes
)

var errNoRoom = errors.New("no room on the disk")

// Space is the room that a file system has, in bytes.
type Space struct {
	Free  uint64 // for this user
	Total uint64 // 0: unknown
}

// reserve is what the agent leaves free.
func (s Space) reserve() uint64 { return min(maxReserve, s.Total/reservePart) }

// usable is what the agent may write; a file system that tells nothing has no end.
func (s Space) usable() int64 {
	if s.Total == 0 {
		return math.MaxInt64
	}
	return int64(min(s.Free, math.MaxInt64)) - int64(s.reserve())
}

// room refuses writes before they fill a file system. It is safe for concurrent
// use; a nil one has no end.
type room struct {
	dir   string // on the file system
	space func(dir string) (Space, error)

	left atomic.Int64 // bytes to be written until it is asked again
	mu   sync.Mutex
}

func (m *Mirror) room(dir string) *room {
	if m.space == nil {
		return &room{dir: dir, space: SpaceOf}
	}
	return &room{dir: dir, space: m.space}
}

// take is called before n bytes are written.
func (r *room) take(n int64) error {
	if r == nil || r.left.Add(-n) >= 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left.Load() >= 0 {
		return nil // another one has asked
	}
	space, err := r.space(r.dir)
	if err != nil {
		r.left.Store(roomInterval)
		return nil // where nobody can tell, writing will
	}
	if space.usable() < n {
		return r.refusal(space, errNoRoom)
	}
	r.left.Store(min(roomInterval, space.usable()) - n)
	return nil
}

// takeFile is take for a file, which has whole blocks.
func (r *room) takeFile(size int64) error { return r.take((size + blockSize - 1) &^ (blockSize - 1)) }

func (r *room) refusal(s Space, err error) error {
	return fmt.Errorf("%w: %d MB are free in %s, of which %d MB stay so: make room, or name another disk with --repo-dir", err, s.Free>>20, r.dir, s.reserve()>>20)
}

// explain adds to the error of a full disk how full it is and what to do.
func (r *room) explain(err error) error {
	var at *fs.PathError
	if err == nil || !diskFull(err) {
		return err
	}
	if errors.As(err, &at) && filepath.IsAbs(at.Path) {
		r.dir = filepath.Dir(at.Path)
	}
	space, asked := r.space(r.dir)
	if asked != nil {
		return err
	}
	return r.refusal(space, err)
}

// reader is for what is saved as it is read.
func (r *room) reader(from io.Reader) io.Reader { return &roomReader{from, r} }

type roomReader struct {
	from io.Reader
	room *room
}

func (r *roomReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	if refused := r.room.take(int64(n)); refused != nil {
		return 0, refused
	}
	return n, err
}
