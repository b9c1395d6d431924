package git

import (
	"cmp"
	"compress/zlib"
	"errors"
	"hash/crc32"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

const pieceSize = 1 << 20 // bytes of a pack copied at once

// copy writes one object, after what it leans on if that is written as well.
func (r *repacker) copy(id plumbing.Hash, depth int) error {
	if r.written[id] != 0 {
		return nil
	}
	r.written[id] = -1
	at, ok := r.reader.store.find(id)
	if !ok {
		return missing(id)
	}
	if at.pack == nil {
		e, err := r.loose(id)
		r.written[id] = e.offset
		r.entries = append(r.entries, e)
		return err
	}
	h, err := r.reader.window.head(at.pack, at.offset)
	if err != nil {
		return damaged("%s: %w", id, err)
	}
	base := int64(0)
	if name, ok := r.baseOf(at, h); ok && depth < maxDepth {
		if err := r.copy(name, depth+1); err != nil {
			return err
		}
		base = r.written[name]
	}
	e := packEntry{id: id, offset: r.out.offset}
	if h.delta() && base <= 0 {
		var o object
		if o, err = r.reader.readAt(at, id); err == nil {
			e, err = r.out.whole(id, o)
		}
	} else {
		e.crc, err = r.raw(at, h, base)
	}
	r.written[id] = e.offset
	r.entries = append(r.entries, e)
	return err
}

// baseOf names what a delta leans on, if that is to be in the pack.
func (r *repacker) baseOf(at place, h entryHead) (plumbing.Hash, bool) {
	name := h.base
	if h.kind == plumbing.OFSDeltaObject {
		entries, i, ok := r.entryAt(place{at.pack, at.offset - h.back})
		if !ok {
			return name, false // reading it will say so
		}
		name = entries[i].id
	}
	_, kept := r.written[name]
	return name, kept && h.delta()
}

func (r *repacker) entryAt(at place) (entries []packEntry, i int, ok bool) {
	entries = r.packs[at.pack]
	if entries == nil {
		entries = at.pack.index.entries()
		r.packs[at.pack] = entries
	}
	i, ok = slices.BinarySearchFunc(entries, at.offset, func(e packEntry, offset int64) int { return cmp.Compare(e.offset, offset) })
	return entries, i, ok
}

// raw copies an entry as it is compressed, and what it leans on anew.
func (r *repacker) raw(at place, h entryHead, base int64) (crc uint32, err error) {
	entries, i, ok := r.entryAt(at)
	end := at.pack.size
	if ok && i+1 < len(entries) {
		end = entries[i+1].offset
	}
	if !ok || end < at.offset+int64(h.length) {
		return 0, damaged("the pack %s is damaged at %d", at.pack.index.pack, at.offset)
	}
	if r.piece == nil {
		r.piece = make([]byte, pieceSize)
	}
	r.out.crc = 0
	before := uint32(0)
	for offset := at.offset; offset < end; {
		piece := r.piece[:min(end-offset, pieceSize)]
		if _, err := at.pack.file.ReadAt(piece, offset); err != nil {
			return 0, damaged("the pack %s: %w", at.pack.index.pack, err)
		}
		before = crc32.Update(before, crc32.IEEETable, piece)
		rest := piece
		if offset == at.offset && h.delta() {
			rest = piece[h.length:]
			if _, err := r.out.Write(appendDeltaHead(nil, h.size, r.out.offset-base)); err != nil {
				return 0, err
			}
		}
		if _, err := r.out.Write(rest); err != nil {
			return 0, err
		}
		offset += int64(len(piece))
	}
	if before != entries[i].crc {
		return 0, damaged("the pack %s is damaged at %d", at.pack.index.pack, at.offset)
	}
	return r.out.crc, nil
}

// loose packs an object that has a file of its own, in pieces.
func (r *repacker) loose(id plumbing.Hash) (packEntry, error) {
	e := packEntry{id: id, offset: r.out.offset}
	loose, err := r.reader.openLoose(id)
	if err != nil {
		return e, err
	}
	defer loose.close()
	e.kind, r.out.crc = loose.kind, 0
	if _, err := r.out.Write(appendEntryHead(nil, loose.kind, loose.size)); err != nil {
		return e, err
	}
	z := zlib.NewWriter(&r.out)
	err = errors.Join(r.reader.copyFrom(loose, z), z.Close())
	e.crc = r.out.crc
	return e, err
}
