package pack

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/inflate"
	"github.com/bittrance/kitops/poller/git/object"
)

const (
	packHead    = 12        // bytes: PACK, version, number of objects
	streamChunk = 128 << 10 // bytes read ahead
	maxRatio    = 1032      // zlib packs nothing tighter

	// maxUnfolding is how many times the size limit of a pack its objects may have when inflated.
	maxUnfolding = 16

	// mostUnfolded is how many bytes deltas may make for each that comes, beyond
	// the size limit: a pack of some KB would else keep a processor busy for the
	// whole time that a run has.
	mostUnfolded = 1000
)

var errPackCut = errors.New("the pack is cut short")

// packStream reads a pack as it arrives, entry by entry, and passes every byte
// on. It never holds more than the entry at hand and a chunk.
type packStream struct {
	ctx    context.Context
	r      io.Reader
	out    io.Writer
	limit  int64 // bytes
	format object.Format

	buf      []byte
	pos, end int
	mark     int   // what lies before it is in sum and crc
	start    int64 // place in the pack of buf[0]
	sum      hash.Hash
	crc      uint32

	inflater inflate.Inflater
	inflated int64 // bytes, of all entries so far
	unfolded int64 // bytes that deltas made, each time that they did
	eof      bool
}

func newPackStream(ctx context.Context, r io.Reader, limit int64, f object.Format) *packStream {
	return &packStream{ctx: ctx, r: r, limit: limit, format: f, buf: make([]byte, streamChunk), sum: f.New()}
}

// open reads the head of the pack and says how many entries follow.
func (s *packStream) open() (uint32, error) {
	if err := s.need(packHead); err != nil {
		return 0, err
	}
	head := s.buf[s.pos:s.end]
	if len(head) < packHead {
		return 0, errPackCut
	}
	if version := binary.BigEndian.Uint32(head[4:]); !bytes.HasPrefix(head, []byte("PACK")) || version != 2 && version != 3 {
		return 0, errors.New("this is no pack")
	}
	s.pos += packHead
	return binary.BigEndian.Uint32(head[8:]), nil
}

// close checks the trailer, which is the name of the pack.
func (s *packStream) close() (object.ID, error) {
	trailer := s.format.Size()
	if err := s.need(trailer + 1); err != nil {
		return object.ID{}, err
	}
	s.flush()
	sum := s.format.ID(s.sum.Sum(nil))
	left := s.end - s.pos
	if left < trailer {
		return sum, errPackCut
	}
	switch told := s.format.ID(s.buf[s.pos:]); {
	case left > trailer:
		return sum, errors.New("the pack has something behind its end")
	case sum != told:
		return sum, errors.New("the checksum of the pack is wrong")
	}
	return sum, nil
}

// offset is where in the pack the next byte is.
func (s *packStream) offset() int64 { return s.start + int64(s.pos) }

// need gets n bytes ready, or all there are.
func (s *packStream) need(n int) error {
	if s.end-s.pos >= n || s.eof {
		return nil
	}
	s.flush()
	if size := max(2*n, streamChunk); s.pos+n > len(s.buf) && size > len(s.buf) {
		grown := make([]byte, size)
		copy(grown, s.buf[s.pos:s.end])
		s.buf = grown
	} else {
		copy(s.buf, s.buf[s.pos:s.end])
		if len(s.buf) > 4*max(n, streamChunk) {
			s.buf = append(make([]byte, 0, streamChunk+2*n), s.buf[:s.end-s.pos]...)[:streamChunk+2*n]
		}
	}
	s.start += int64(s.pos)
	s.end -= s.pos
	s.pos, s.mark = 0, 0
	for s.end < n {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		got, err := s.r.Read(s.buf[s.end:])
		if _, writeErr := s.out.Write(s.buf[s.end : s.end+got]); writeErr != nil {
			return writeErr
		}
		s.end += got
		if s.start+int64(s.end) > s.limit {
			return fmt.Errorf("the repository has %w", disk.TooMuch(s.limit))
		}
		if errors.Is(err, io.EOF) {
			s.eof = true
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// flush counts what was read into the checksums.
func (s *packStream) flush() {
	s.sum.Write(s.buf[s.mark:s.pos])
	s.crc = crc32.Update(s.crc, crc32.IEEETable, s.buf[s.mark:s.pos])
	s.mark = s.pos
}

// head begins the next entry.
func (s *packStream) head() (EntryHead, error) {
	s.flush()
	s.crc = 0
	if err := s.need(maxEntryHead); err != nil {
		return EntryHead{}, err
	}
	h, err := parseEntryHead(s.buf[s.pos:s.end], s.format)
	if errors.Is(err, inflate.ErrShort) {
		return h, errPackCut
	}
	if err != nil {
		return h, err
	}
	s.pos += h.Length
	return h, s.count(h.Size)
}

// count adds to what all entries have when inflated, results of deltas included.
func (s *packStream) count(size int64) error {
	if s.inflated += size; s.inflated > maxUnfolding*s.limit {
		return fmt.Errorf("the objects of the repository have %w by far", disk.TooMuch(s.limit))
	}
	return nil
}

// unfold adds to the work that deltas make.
func (s *packStream) unfold(size int64) error {
	if s.unfolded += size; s.unfolded-mostUnfolded*s.offset() > s.limit {
		return fmt.Errorf("refused: the deltas in %d bytes make objects of %w", s.offset(), disk.TooMuch(s.limit))
	}
	return nil
}

// content inflates what an entry holds, into the room given if that is enough.
func (s *packStream) content(h EntryHead, into []byte) ([]byte, error) {
	if h.Size > MaxObject {
		return nil, object.ErrTooLarge
	}
	// Nobody makes us reserve memory that the data to come cannot fill.
	least := int(h.Size / maxRatio)
	if err := s.need(least); err != nil {
		return nil, err
	}
	if s.end-s.pos < least {
		return nil, errPackCut
	}
	if h.Size > StreamAbove { // what it is packed as would be in memory, too
		whole := memory{make([]byte, 0, h.Size)}
		err := s.copy(&whole, h)
		return whole.data, err
	}
	content := into[:0]
	if h.Size > int64(cap(into)) {
		content = make([]byte, 0, h.Size)
	}
	content = content[:h.Size]
	for {
		have := s.end - s.pos
		used, err := s.inflater.Inflate(content, s.buf[s.pos:s.end])
		if err == nil {
			s.pos += used
			s.flush()
			return content, nil
		}
		if !errors.Is(err, inflate.ErrShort) || have >= h.packed() {
			return nil, inflate.ErrDamaged
		}
		if s.eof {
			return nil, errPackCut
		}
		if err := s.need(min(h.packed(), max(2*have, 4096))); err != nil {
			return nil, err
		}
	}
}

// copy inflates an entry in pieces.
func (s *packStream) copy(w io.Writer, h EntryHead) error {
	err := inflateStream(w, s, h.Size)
	s.flush()
	if err != nil && s.eof && s.pos == s.end {
		return errPackCut
	}
	return err
}

// Read and ReadByte are for compress/zlib, which takes exactly what it needs
// from an io.ByteReader.
func (s *packStream) Read(p []byte) (int, error) {
	if err := s.need(1); err != nil {
		return 0, err
	}
	n := copy(p, s.buf[s.pos:s.end])
	s.pos += n
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// ReadByte is Read for one byte.
func (s *packStream) ReadByte() (byte, error) {
	if s.pos == s.end {
		if err := s.need(1); err != nil {
			return 0, err
		}
		if s.pos == s.end {
			return 0, io.EOF
		}
	}
	s.pos++
	return s.buf[s.pos-1], nil
}
