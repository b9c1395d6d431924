package odb

import (
	"compress/zlib"
	"context"
	"errors"
	"hash/crc32"

	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/pack"
)

const pieceSize = 1 << 20 // bytes of a pack copied at once

// copy writes one object, after what it leans on if that is written as well.
func (r *Repacker) copy(ctx context.Context, id object.ID, depth int) error {
	if r.written[id] != 0 {
		return nil
	}
	r.written[id] = -1
	at, ok := r.reader.Store.Find(id)
	if !ok {
		e, err := r.whole(ctx, id) // the reader knows one that need not be there
		r.written[id] = e.Offset
		r.entries.Add(e)
		return err
	}
	if at.Pack == nil {
		e, err := r.loose(id)
		r.written[id] = e.Offset
		r.entries.Add(e)
		return err
	}
	h, err := r.reader.Window.Head(at.Pack, at.Offset)
	if err != nil {
		return object.Damaged("%s: %w", id, err)
	}
	base := int64(0)
	name, kept, err := r.baseOf(at, h)
	if err != nil {
		return err
	}
	if kept && depth < object.MaxDepth {
		if err := r.copy(ctx, name, depth+1); err != nil {
			return err
		}
		base = r.written[name]
	}
	e := pack.Entry{ID: id, Offset: r.out.Offset}
	if h.Delta() && base <= 0 || at.Pack.Index.Unsummed {
		e, err = r.whole(ctx, id)
	} else {
		e.Crc, err = r.raw(at, h, base)
	}
	r.written[id] = e.Offset
	r.entries.Add(e)
	return err
}

// whole writes an object that leans on none any more.
func (r *Repacker) whole(ctx context.Context, id object.ID) (pack.Entry, error) {
	o, err := r.reader.Base(ctx, id)
	if err != nil {
		return pack.Entry{}, err
	}
	e, err := r.out.Whole(id, o)
	return e, errors.Join(err, o.Close())
}

// baseOf names what a delta leans on, if that is to be in the pack.
func (r *Repacker) baseOf(at pack.Place, h pack.EntryHead) (name object.ID, kept bool, err error) {
	name = h.Base
	if h.Kind == object.KindOffsetDelta {
		entries, i, ok, err := r.entryAt(pack.Place{Pack: at.Pack, Offset: at.Offset - h.Back})
		if err != nil || !ok {
			return name, false, err // reading it will say that it is nowhere
		}
		name = entries.At(i).ID
	}
	_, kept = r.written[name]
	return name, kept && h.Delta(), nil
}

func (r *Repacker) entryAt(at pack.Place) (entries *pack.Table, i int, ok bool, err error) {
	entries, err = r.entriesOf(at.Pack)
	if err == nil {
		i, ok = entries.Find(at.Offset)
	}
	return entries, i, ok, err
}

func (r *Repacker) entriesOf(p *pack.Pack) (entries *pack.Table, err error) {
	if entries = r.packs[p]; entries == nil {
		if entries, err = p.Index.Entries(r.dir); err == nil {
			r.packs[p] = entries
		}
	}
	return entries, err
}

// raw copies an entry as it is compressed, and what it leans on anew.
func (r *Repacker) raw(at pack.Place, h pack.EntryHead, base int64) (crc uint32, err error) {
	entries, i, ok, err := r.entryAt(at)
	if err != nil {
		return 0, err
	}
	end := at.Pack.Size
	if ok && i+1 < entries.Len() {
		end = entries.At(i + 1).Offset
	}
	if !ok || end < at.Offset+int64(h.Length) {
		return 0, object.Damaged("the pack %s is damaged at %d", at.Pack.Index.Pack, at.Offset)
	}
	if r.piece == nil {
		r.piece = make([]byte, pieceSize)
	}
	r.out.Crc = 0
	before := uint32(0)
	for offset := at.Offset; offset < end; {
		piece := r.piece[:min(end-offset, pieceSize)]
		if _, err := at.Pack.File.ReadAt(piece, offset); err != nil {
			return 0, object.Damaged("the pack %s: %w", at.Pack.Index.Pack, err)
		}
		before = crc32.Update(before, crc32.IEEETable, piece)
		rest := piece
		if offset == at.Offset && h.Delta() {
			rest = piece[h.Length:]
			if _, err := r.out.Write(pack.AppendDeltaHead(nil, h.Size, r.out.Offset-base)); err != nil {
				return 0, err
			}
		}
		if _, err := r.out.Write(rest); err != nil {
			return 0, err
		}
		offset += int64(len(piece))
	}
	if before != entries.At(i).Crc {
		return 0, object.Damaged("the pack %s is damaged at %d", at.Pack.Index.Pack, at.Offset)
	}
	return r.out.Crc, nil
}

// loose packs an object that has a file of its own, in pieces.
func (r *Repacker) loose(id object.ID) (pack.Entry, error) {
	e := pack.Entry{ID: id, Offset: r.out.Offset}
	loose, err := r.reader.openLoose(id)
	if err != nil {
		return e, err
	}
	defer loose.close()
	e.Kind, r.out.Crc = loose.kind, 0
	if _, err := r.out.Write(pack.AppendEntryHead(nil, loose.kind, loose.size)); err != nil {
		return e, err
	}
	z := zlib.NewWriter(&r.out)
	err = errors.Join(r.reader.copyFrom(loose, z), z.Close())
	e.Crc = r.out.Crc
	return e, err
}
