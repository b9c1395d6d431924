package git

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"github.com/go-git/go-git/v5/plumbing"
)

const basesSize = 16 << 20 // bytes of objects kept, for each reader

// storeReader reads objects of a store, each checked against its name. It is
// for one goroutine.
type storeReader struct {
	unpacker
	store *store
	hash  *objectHash
}

func (s *store) reader() *storeReader {
	return &storeReader{unpacker: newUnpacker(basesSize), store: s, hash: newRepeatedHash()}
}

// read gives a whole object.
func (r *storeReader) read(id plumbing.Hash) (object, error) {
	at, ok := r.store.find(id)
	if !ok {
		return object{}, missing(id)
	}
	return r.readAt(at, id)
}

func (r *storeReader) readAt(at place, id plumbing.Hash) (object, error) {
	var o object
	var err error
	if at.pack == nil {
		var data bytes.Buffer
		o.kind, err = r.copyLoose(&data, id, maxObject)
		o.data = data.Bytes()
		return o, err
	}
	if o, err = r.unpack(at, r.locate); err != nil {
		return o, damaged("%s: %w", id, err)
	}
	if found, err := r.hash.of(o); err != nil || found != id {
		return o, errors.Join(damaged("%s %s is damaged", o.kind, id), err)
	}
	return o, nil
}

// locate finds what a delta leans on by its name: in a pack, or at once when
// the place has none.
func (r *storeReader) locate(id plumbing.Hash) (place, object, error) {
	at, ok := r.store.find(id)
	if !ok {
		return at, object{}, missing(id)
	}
	if at.pack != nil {
		return at, object{}, nil
	}
	o, err := r.readAt(at, id)
	return at, o, err
}

// blob gives a whole blob.
func (r *storeReader) blob(at place, id plumbing.Hash) ([]byte, error) {
	o, err := r.readAt(at, id)
	if err == nil && o.kind != plumbing.BlobObject {
		err = damaged("%s is a %s, not a blob", id, o.kind)
	}
	return o.data, err
}

// streamed says whether a blob is one for copyBlob: of unknown size, or too
// large to be in memory with others.
func (r *storeReader) streamed(at place) (bool, error) {
	if at.pack == nil {
		return true, nil
	}
	h, err := r.window.head(at.pack, at.offset)
	return err == nil && !h.delta() && h.size > streamAbove, err
}

// copyBlob writes a blob to w in pieces.
func (r *storeReader) copyBlob(ctx context.Context, w io.Writer, at place, id plumbing.Hash) error {
	out := &countingWriter{ctx: ctx, w: w}
	if at.pack == nil {
		kind, err := r.copyLoose(out, id, 1<<62)
		if err == nil && kind != plumbing.BlobObject {
			err = damaged("%s is a %s, not a blob", id, kind)
		}
		return err
	}
	h, err := r.window.head(at.pack, at.offset)
	if err != nil {
		return damaged("%s: %w", id, err)
	}
	r.hash.begin(h.kind, h.size)
	if err := r.window.copy(io.MultiWriter(r.hash, out), at.pack, at.offset, h); err != nil {
		return asDamage(err, id)
	}
	if found, err := r.hash.id(); err != nil || found != id || h.kind != plumbing.BlobObject {
		return errors.Join(damaged("%s %s is damaged", h.kind, id), err)
	}
	return nil
}

// asDamage leaves alone what is the fault of the file written to or read from,
// or the end of the context.
func asDamage(err error, id plumbing.Hash) error {
	var file *os.PathError
	if errors.As(err, &file) || errors.Is(err, errTooMuch) || errors.Is(err, errNoRoom) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return damaged("%s: %w", id, err)
}

// limitedWriter asks before it writes.
type limitedWriter struct {
	w     io.Writer
	count func(int64) error
}

func (l *limitedWriter) Write(p []byte) (int, error) {
	if err := l.count(int64(len(p))); err != nil {
		return 0, err
	}
	return l.w.Write(p)
}

// countingWriter counts, and ends a long copy with the context.
type countingWriter struct {
	ctx context.Context
	w   io.Writer
	n   int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
