package odb

import (
	"context"
	"errors"
	"io"

	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/pack"
)

const basesSize = 4 * pack.StreamAbove // bytes of objects kept, for each reader

// Reader reads objects of a store, each checked against its name. It is
// for one goroutine.
type Reader struct {
	pack.Unpacker
	Store *Store
	hash  *object.Hasher
}

// Reader reads objects of the store, for one goroutine.
func (s *Store) Reader() *Reader {
	r := &Reader{Unpacker: pack.NewUnpacker(basesSize), Store: s, hash: object.NewRepeatedHasher(s.Format)}
	r.Spools = s.Spools
	return r
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
		o, err = r.readLoose(id)
		packed, moved := r.moved(id, err)
		if !moved {
			return o, err
		}
		at = packed
	}
	if o, err = r.Unpack(at, r.locate); err != nil {
		return o, AsDamage(err, id)
	}
	if found, err := r.hash.Of(o); err != nil || found != id {
		return o, errors.Join(object.Damaged("%s %s is damaged", o.Kind, id), err)
	}
	return o, nil
}

// locate finds what a delta leans on by its name: in a pack, or at once when
// the place has none.
func (r *Reader) locate(id object.ID) (pack.Place, pack.Base, error) {
	at, ok := r.Store.Find(id)
	if !ok {
		return at, pack.Base{}, object.Missing(id)
	}
	if at.Pack != nil {
		return at, pack.Base{}, nil
	}
	o, err := r.readAt(at, id)
	return at, pack.Base{Kind: o.Kind, Data: o.Data}, err
}

// Base gives an object for others to lean on, which is to be closed.
func (r *Reader) Base(ctx context.Context, id object.ID) (b pack.Base, err error) {
	at, ok := r.Store.Find(id)
	if ok && at.Pack != nil {
		large, err := r.Large(at, r.locate)
		if err != nil {
			return b, AsDamage(err, id)
		}
		if large {
			kind := object.Kind(0)
			b, err = r.Spools.NewSpool(kind, func(to io.Writer) error {
				kind, err = r.stream(ctx, to, at, id)
				return err
			})
			b.Kind = kind
			return b, err
		}
	}
	o, err := r.Read(id)
	return pack.Base{Kind: o.Kind, Data: o.Data}, err
}

// Blob gives a whole blob.
func (r *Reader) Blob(at pack.Place, id object.ID) ([]byte, error) {
	o, err := r.readAt(at, id)
	if err == nil && o.Kind != object.KindBlob {
		err = object.Damaged("%s is a %s, not a blob", id, o.Kind)
	}
	return o.Data, err
}

// Streamed says whether a blob is one for CopyBlob: of unknown size, or too
// large to be in memory with others, it or what it leans on.
func (r *Reader) Streamed(at pack.Place) (bool, error) {
	if at.Pack == nil {
		return true, nil
	}
	return r.Large(at, r.locate)
}

// CopyBlob writes a blob to w in pieces.
func (r *Reader) CopyBlob(ctx context.Context, w io.Writer, at pack.Place, id object.ID) error {
	var kind object.Kind
	var err error
	if at.Pack == nil {
		kind, err = r.copyLoose(&disk.CountingWriter{Ctx: ctx, W: w}, id, 1<<62)
		if packed, moved := r.moved(id, err); moved {
			at = packed
		}
	}
	if at.Pack != nil {
		kind, err = r.stream(ctx, w, at, id)
	}
	if err == nil && kind != object.KindBlob {
		err = object.Damaged("%s is a %s, not a blob", id, kind)
	}
	return err
}

// stream writes an object of a pack in pieces.
func (r *Reader) stream(ctx context.Context, w io.Writer, at pack.Place, id object.ID) (kind object.Kind, err error) {
	err = r.Stream(at, r.locate, ctx.Err, func(k object.Kind, size int64) (io.Writer, error) {
		kind = k
		r.hash.Begin(k, size)
		return io.MultiWriter(r.hash, w), nil
	})
	if err != nil {
		return kind, AsDamage(err, id)
	}
	if found, err := r.hash.ID(); err != nil || found != id {
		return kind, errors.Join(object.Damaged("%s %s is damaged", kind, id), err)
	}
	return kind, nil
}
