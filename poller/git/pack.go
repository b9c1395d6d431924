package git

import (
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-git/go-git/v5/plumbing"
)

const windowSize = 64 << 10 // bytes read at once

// pack is a pack file with its index. It is safe for concurrent use.
type pack struct {
	file  *os.File
	size  int64
	index *packIndex
}

func openPack(base string) (*pack, error) {
	index, err := readPackIndex(base + ".idx")
	if err != nil {
		return nil, err
	}
	file, err := os.Open(base + ".pack")
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	var trailer plumbing.Hash
	if _, err := file.ReadAt(trailer[:], max(0, info.Size()-packTrailer)); err != nil || trailer != index.pack {
		return nil, errors.Join(damaged("%s.pack is not what its index describes", base), file.Close())
	}
	return &pack{file: file, size: info.Size() - packTrailer, index: index}, nil
}

// packWindow reads entries of packs anywhere, the faster the closer they lie
// to each other. It is for one goroutine.
type packWindow struct {
	pack     *pack
	start    int64
	buf      []byte // a slice of it holds bytes
	have     []byte
	inflater inflater
}

// at has n bytes of the pack from offset on, or all there are.
func (w *packWindow) at(p *pack, offset int64, n int) ([]byte, error) {
	if offset < packHead || offset >= p.size {
		return nil, errEntry
	}
	n = int(min(int64(n), p.size-offset))
	if w.pack == p && offset >= w.start && offset+int64(n) <= w.start+int64(len(w.have)) {
		return w.have[offset-w.start:], nil
	}
	size := int(min(int64(max(n, windowSize)), p.size-offset))
	if cap(w.buf) < size || cap(w.buf) > 16*windowSize && size <= windowSize {
		w.buf = make([]byte, size)
	}
	w.pack, w.start, w.have = nil, offset, w.buf[:size]
	if _, err := p.file.ReadAt(w.have, offset); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	w.pack = p
	return w.have, nil
}

func (w *packWindow) head(p *pack, offset int64) (entryHead, error) {
	b, err := w.at(p, offset, maxEntryHead)
	if err != nil {
		return entryHead{}, err
	}
	return parseEntryHead(b)
}

// content inflates the entry at offset, the head of which is h. It also says
// how many bytes of the pack the entry takes.
func (w *packWindow) content(p *pack, offset int64, h entryHead) ([]byte, int, error) {
	if h.size > maxObject {
		return nil, 0, errTooLarge
	}
	if h.size/maxRatio > p.size-offset {
		return nil, 0, errShort
	}
	content := make([]byte, h.size)
	most := h.length + h.packed()
	for ask := min(most, h.length+512); ; {
		b, err := w.at(p, offset, ask)
		if err != nil {
			return nil, 0, err
		}
		used, err := w.inflater.inflate(content, b[h.length:])
		if err == nil {
			return content, h.length + used, nil
		}
		if !errors.Is(err, errShort) || ask == most || int64(len(b)) >= p.size-offset {
			return nil, 0, err
		}
		ask = min(most, 4*max(ask, len(b)))
	}
}

// copy inflates an entry that is no delta in pieces.
func (w *packWindow) copy(out io.Writer, p *pack, offset int64, h entryHead) error {
	return inflateStream(out, io.NewSectionReader(p.file, offset+int64(h.length), p.size-offset-int64(h.length)), h.size)
}

// inflateStream copies exactly size bytes.
func inflateStream(w io.Writer, r io.Reader, size int64) error {
	z, err := zlib.NewReader(r)
	if err != nil {
		return fmt.Errorf("%w: %w", errInflate, err)
	}
	n, err := io.Copy(w, io.LimitReader(z, size+1)) // one more byte, so that the end is read
	var writing *os.PathError
	switch {
	case errors.As(err, &writing):
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", errInflate, err)
	case n != size:
		return errInflate
	}
	return nil
}
