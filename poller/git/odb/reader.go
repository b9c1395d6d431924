package odb

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/pack"
)

const basesSize = 16 << 20 // bytes of objects kept, for each reader

// Reader reads objects of a store, each checked against its name. It is
// for one goroutine.
type Reader struct {
	pack.Unpacker
	Store *Store
	hash  *object.Hasher
}

// Reader reads objects of the store, for one goroutine.
func (s *Store) Reader() *Reader {
	return &Reader{Unpacker: pack.NewUnpacker(basesSize), Store: s, hash: object.NewRepeatedHasher(s.Format)}
}

// Read gives a whole object.
func (r *Reader) Read(id object.ID) (object.Object, error) {
	at, ok := r.Store.Find(id)
	if !ok && id == object.EmptyTree(r.Store.Format) {
		return object.Object{Kind: object.KindTree}, nil
	}
	if !ok {
		return object.Object{}, object.Missing(id)
	}
	return r.readAt(at, id)
}

func (r *Reader) readAt(at pack.Place, id object.ID) (object.Object, error) {
	var o object.Object
	var err error
	if at.Pack == nil {
		var data bytes.Buffer
		o.Kind, err = r.CopyLoose(&data, id, pack.MaxObject)
		o.Data = data.Bytes()
		return o, err
	}
	if o, err = r.Unpack(at, r.locate); err != nil {
		return o, object.Damaged("%s: %w", id, err)
	}
	if found, err := r.hash.Of(o); err != nil || found != id {
		return o, errors.Join(object.Damaged("%s %s is damaged", o.Kind, id), err)
	}
	return o, nil
}

// locate finds what a delta leans on by its name: in a pack, or at once when
// the place has none.
func (r *Reader) locate(id object.ID) (pack.Place, object.Object, error) {
	at, ok := r.Store.Find(id)
	if !ok {
		return at, object.Object{}, object.Missing(id)
	}
	if at.Pack != nil {
		return at, object.Object{}, nil
	}
	o, err := r.readAt(at, id)
	return at, o, err
}

// Blob gives a whole blob.
func (r *Reader) Blob(at pack.Place, id object.ID) ([]byte, error) {
	o, err := r.readAt(at, id)
	if err == nil && o.Kind != object.KindBlob {
		err = object.Damaged("%s is a %s, not a blob", id, o.Kind)
	}
	return o.Data, err
}

// Streamed says whether a blob is one for copyBlob: of unknown size, or too
// large to be in memory with others.
func (r *Reader) Streamed(at pack.Place) (bool, error) {
	if at.Pack == nil {
		return true, nil
	}
	h, err := r.Window.Head(at.Pack, at.Offset)
	return err == nil && !h.Delta() && h.Size > pack.StreamAbove, err
}

// CopyBlob writes a blob to w in pieces.
func (r *Reader) CopyBlob(ctx context.Context, w io.Writer, at pack.Place, id object.ID) error {
	out := &disk.CountingWriter{Ctx: ctx, W: w}
	if at.Pack == nil {
		kind, err := r.CopyLoose(out, id, 1<<62)
		if err == nil && kind != object.KindBlob {
			err = object.Damaged("%s is a %s, not a blob", id, kind)
		}
		return err
	}
	h, err := r.Window.Head(at.Pack, at.Offset)
	if err != nil {
		return object.Damaged("%s: %w", id, err)
	}
	r.hash.Begin(h.Kind, h.Size)
	if err := r.Window.Copy(io.MultiWriter(r.hash, out), at.Pack, at.Offset, h); err != nil {
		return AsDamage(err, id)
	}
	if found, err := r.hash.ID(); err != nil || found != id || h.Kind != object.KindBlob {
		return errors.Join(object.Damaged("%s %s is damaged", h.Kind, id), err)
	}
	return nil
}
