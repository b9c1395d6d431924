package git

import (
	"cmp"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

// repack adds a pack that has all that is held.
func (b *bare) repack(ctx context.Context) (sum plumbing.Hash, err error) {
	file, err := os.CreateTemp(b.packDir(), tmpPrefix+"pack_")
	if err != nil {
		return sum, err
	}
	defer func() {
		_ = file.Close()
		_ = os.Remove(file.Name()) // gone after the rename
	}()
	r := &repacker{
		reader: b.store.reader(), out: packWriter{f: file},
		written: map[plumbing.Hash]int64{}, packs: map[*pack][]packEntry{},
	}
	if err := r.gather(ctx, b.held); err != nil {
		return sum, err
	}
	if sum, err = r.write(ctx, file); err != nil {
		return sum, err
	}
	if err := file.Close(); err != nil {
		return sum, err
	}
	return sum, b.adopt(file.Name(), encodePackIndex(r.entries, sum), sum)
}

// repacker copies objects into one pack: entries as they are where that can be,
// so that deltas stay deltas.
type repacker struct {
	reader  *storeReader
	out     packWriter
	order   []plumbing.Hash
	written map[plumbing.Hash]int64 // where; 0: to be written, -1: under way
	entries []packEntry
	packs   map[*pack][]packEntry // what they have, by offset
}

// gather finds all objects of the revisions.
func (r *repacker) gather(ctx context.Context, revisions []held) error {
	for _, rev := range revisions {
		_, tree, err := commitOf(ctx, rev.id, func(id plumbing.Hash) (object, error) {
			r.add(id)
			return r.reader.read(id)
		})
		if err == nil {
			err = r.gatherTree(ctx, tree, 0)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *repacker) gatherTree(ctx context.Context, id plumbing.Hash, depth int) error {
	if !r.add(id) || depth > maxDepth {
		return ctx.Err()
	}
	entries, err := readTree(id, r.reader.read)
	for _, e := range entries {
		switch e.mode {
		case modeSubmodule:
		case modeDir:
			err = errors.Join(err, r.gatherTree(ctx, e.id, depth+1))
		default:
			r.add(e.id)
		}
	}
	return err
}

func (r *repacker) add(id plumbing.Hash) bool {
	if _, known := r.written[id]; known {
		return false
	}
	r.written[id] = 0
	r.order = append(r.order, id)
	return true
}

// write makes the pack and returns its checksum.
func (r *repacker) write(ctx context.Context, file *os.File) (sum plumbing.Hash, err error) {
	head := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(len(r.order)))
	if _, err := r.out.Write(head); err != nil {
		return sum, err
	}
	for _, id := range r.order {
		if err := ctx.Err(); err != nil {
			return sum, err
		}
		if err := r.copy(id, 0); err != nil {
			return sum, err
		}
	}
	h := sha1.New()
	if _, err := io.Copy(h, io.NewSectionReader(file, 0, r.out.offset)); err != nil {
		return sum, err
	}
	h.Sum(sum[:0])
	_, err = r.out.Write(sum[:])
	return sum, err
}

// copy writes one object, after what it leans on if that is written as well.
func (r *repacker) copy(id plumbing.Hash, depth int) error {
	if r.written[id] != 0 {
		return nil
	}
	r.written[id] = -1
	at, ok := r.reader.store.find(id)
	if !ok || at.pack == nil {
		return missing(id)
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
	entry := make([]byte, end-at.offset)
	if _, err := at.pack.file.ReadAt(entry, at.offset); err != nil || !ok || crc32.ChecksumIEEE(entry) != entries[i].crc {
		return 0, errors.Join(damaged("the pack %s is damaged at %d", at.pack.index.pack, at.offset), err)
	}
	head := entry[:h.length]
	if h.delta() {
		head = appendDeltaHead(nil, h.size, r.out.offset-base)
	}
	r.out.crc = 0
	_, err = r.out.Write(head)
	if err == nil {
		_, err = r.out.Write(entry[h.length:])
	}
	return r.out.crc, err
}
