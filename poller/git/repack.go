package git

import (
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-git/go-git/v5/plumbing"
)

// repack makes a pack in a directory of what gather finds for it.
func repack(ctx context.Context, s *store, dir string, gather func(*repacker) error) (path string, index []byte, sum plumbing.Hash, err error) {
	file, err := os.CreateTemp(dir, tmpPrefix+"pack_")
	if err != nil {
		return "", nil, sum, err
	}
	r := &repacker{
		reader: s.reader(), out: packWriter{f: file},
		written: map[plumbing.Hash]int64{}, packs: map[*pack][]packEntry{},
	}
	if err = gather(r); err == nil {
		sum, err = r.write(ctx, file)
	}
	if err = errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(file.Name()) // what stays is swept
		return "", nil, sum, err
	}
	return file.Name(), encodePackIndex(r.entries, sum), sum, nil
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
	piece   []byte
	limit   int64 // bytes of the pack; 0: none
	room    *room // for it; nil: somebody has looked
}

// gather finds all objects of a history, and the tags that lead into it.
func (r *repacker) gather(ctx context.Context, a *ancestry, tags []plumbing.Hash) error {
	for _, c := range a.commits {
		r.add(c.id)
	}
	for _, id := range tags {
		if err := r.gatherTag(ctx, id); err != nil {
			return err
		}
	}
	for _, c := range a.commits {
		if err := r.gatherTree(ctx, c.tree, 0); err != nil {
			return err
		}
	}
	return nil
}

// gatherTag adds a tag and those below it, if what they lead to is to be there.
func (r *repacker) gatherTag(ctx context.Context, id plumbing.Hash) error {
	if !r.reader.store.has(id) {
		return nil
	}
	var chain []plumbing.Hash
	commit, _, err := commitOf(ctx, id, func(id plumbing.Hash) (object, error) {
		chain = append(chain, id)
		return r.reader.read(id)
	})
	if _, kept := r.written[commit]; err != nil || !kept {
		return ctx.Err() // a tag of something else
	}
	for _, id := range chain {
		r.add(id)
	}
	return nil
}

func (r *repacker) gatherTree(ctx context.Context, id plumbing.Hash, depth int) error {
	if !r.add(id) {
		return ctx.Err()
	}
	if depth > maxDepth {
		return fmt.Errorf("directories nested deeper than %d", maxDepth)
	}
	entries, err := readPastTree(id, r.reader.read)
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
		before := r.out.offset
		if err := r.copy(id, 0); err != nil {
			return sum, err
		}
		if err := r.room.take(r.out.offset - before); err != nil {
			return sum, err
		}
		if r.limit > 0 && r.out.offset > r.limit {
			return sum, fmt.Errorf("the history has %w", tooMuch(r.limit))
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
