package pack

import (
	"bufio"
	"errors"
	"io"
	"os"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/git/inflate"
	"github.com/bittrance/kitops/poller/git/object"
)

const windowSize = 64 << 10 // bytes read at once

// Pack is a pack file with its index. It is safe for concurrent use.
type Pack struct {
	File   *os.File
	Size   int64
	Index  *Index
	Format object.Format
}

// Open opens a pack by its index file.
func Open(base string, f object.Format) (*Pack, error) {
	index, err := OpenIndex(base+".idx", f)
	if err != nil {
		return nil, err
	}
	file, err := files.OpenRegular(base + ".pack")
	if err != nil {
		return nil, errors.Join(err, index.Close())
	}
	p := &Pack{File: file, Index: index, Format: f}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	trailer := make([]byte, f.Size())
	end := info.Size() - int64(len(trailer))
	if _, err := file.ReadAt(trailer, max(0, end)); err != nil || f.ID(trailer) != index.Pack {
		return nil, errors.Join(object.Damaged("%s.pack is not what its index describes", base), p.Close())
	}
	p.Size = end
	return p, nil
}

// Close closes the files.
func (p *Pack) Close() error { return errors.Join(p.File.Close(), p.Index.Close()) }

// packWindow reads entries of packs anywhere, the faster the closer they lie
// to each other. It is for one goroutine.
type packWindow struct {
	pack     *Pack
	start    int64
	buf      []byte // a slice of it holds bytes
	have     []byte
	inflater inflate.Inflater
}

// at has n bytes of the pack from offset on, or all there are.
func (w *packWindow) at(p *Pack, offset int64, n int) ([]byte, error) {
	if offset < packHead || offset >= p.Size {
		return nil, errEntry
	}
	n = int(min(int64(n), p.Size-offset))
	if w.pack == p && offset >= w.start && offset+int64(n) <= w.start+int64(len(w.have)) {
		return w.have[offset-w.start:], nil
	}
	size := int(min(int64(max(n, windowSize)), p.Size-offset))
	if cap(w.buf) < size || cap(w.buf) > 16*windowSize && size <= windowSize {
		w.buf = make([]byte, size)
	}
	w.pack, w.start, w.have = nil, offset, w.buf[:size]
	if _, err := p.File.ReadAt(w.have, offset); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	w.pack = p
	return w.have, nil
}

func (w *packWindow) Head(p *Pack, offset int64) (EntryHead, error) {
	b, err := w.at(p, offset, maxEntryHead)
	if err != nil {
		return EntryHead{}, err
	}
	return parseEntryHead(b, p.Format)
}

// content inflates the entry at offset, the head of which is h.
func (w *packWindow) content(p *Pack, offset int64, h EntryHead) ([]byte, error) {
	if h.Size > MaxObject {
		return nil, object.ErrTooLarge
	}
	if h.Size/maxRatio > p.Size-offset {
		return nil, inflate.ErrShort
	}
	if h.Size > StreamAbove { // what it is packed as would be in memory, too
		whole := memory{make([]byte, 0, h.Size)}
		err := w.Copy(&whole, p, offset, h)
		return whole.data, err
	}
	content := make([]byte, h.Size)
	most := h.Length + h.packed()
	for ask := min(most, h.Length+512); ; {
		b, err := w.at(p, offset, ask)
		if err != nil {
			return nil, err
		}
		_, err = w.inflater.Inflate(content, b[h.Length:])
		if err == nil {
			return content, nil
		}
		if !errors.Is(err, inflate.ErrShort) || ask == most || int64(len(b)) >= p.Size-offset {
			return nil, err
		}
		ask = min(most, 4*max(ask, len(b)))
	}
}

// Copy inflates an entry in pieces.
func (w *packWindow) Copy(out io.Writer, p *Pack, offset int64, h EntryHead) error {
	return inflateStream(out, p.section(offset+int64(h.Length)), h.Size)
}

// section is the pack from an offset on.
func (p *Pack) section(offset int64) *bufio.Reader {
	return bufio.NewReaderSize(io.NewSectionReader(p.File, offset, p.Size-offset), windowSize)
}

// inflateStream copies exactly size bytes.
func inflateStream(w io.Writer, r io.Reader, size int64) error {
	from, err := newInflated(r, size)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, from)
	return err
}
