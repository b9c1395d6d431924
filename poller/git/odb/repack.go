package odb

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/pack"
)

// Repack makes a pack in a directory of what gather finds for it.
func Repack(ctx context.Context, s *Store, dir string, gather func(*Repacker) error) (path, index string, sum object.ID, err error) {
	file, err := os.CreateTemp(dir, object.TmpPrefix+"pack_")
	if err != nil {
		return "", "", sum, err
	}
	r := &Repacker{
		reader: s.Reader(), dir: dir, out: pack.Writer{F: file},
		written: map[object.ID]int64{}, entries: pack.NewTable(s.Format, pack.NewScratch(dir)), packs: map[*pack.Pack]*pack.Table{},
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if err = gather(r); err == nil {
		sum, err = r.write(ctx, file)
	}
	if err = errors.Join(err, file.Close()); err == nil {
		index, err = pack.WriteIndex(dir, r.entries, sum, nil)
	}
	if err != nil {
		_ = os.Remove(file.Name()) // what stays is swept
		return "", "", sum, err
	}
	return file.Name(), index, sum, nil
}

// Repacker copies objects into one pack: entries as they are where that can be,
// so that deltas stay deltas.
type Repacker struct {
	reader  *Reader
	dir     string // of the pack, and of what memory has no room for
	out     pack.Writer
	order   []object.ID
	written map[object.ID]int64 // where; 0: to be written, -1: under way
	entries *pack.Table
	packs   map[*pack.Pack]*pack.Table // what they have, by offset
	piece   []byte
	Partial bool            // blobs that are missing are left out
	Limit   int64           // bytes of the pack; 0: none
	Room    *disk.FreeSpace // for it; nil: somebody has looked
}

// close gives back the memory of lists.
func (r *Repacker) close() error {
	err := r.entries.Close()
	for _, entries := range r.packs {
		err = errors.Join(err, entries.Close())
	}
	return err
}

// Gather finds all objects of a history, and the tags that lead into it.
func (r *Repacker) Gather(ctx context.Context, a *ancestry.Ancestry, tags []object.ID) error {
	for _, c := range a.Commits {
		r.Add(c.ID)
	}
	for _, id := range tags {
		if err := r.gatherTag(ctx, id); err != nil {
			return err
		}
	}
	for _, c := range a.Commits {
		if err := r.gatherTree(ctx, c.Tree, 0); err != nil {
			return err
		}
	}
	return nil
}

// gatherTag adds a tag and those below it, if what they lead to is to be there.
func (r *Repacker) gatherTag(ctx context.Context, id object.ID) error {
	if !r.reader.Store.Has(id) {
		return nil
	}
	var chain []object.ID
	commit, _, err := object.CommitOf(ctx, id, func(id object.ID) (object.Object, error) {
		chain = append(chain, id)
		return r.reader.Read(id)
	})
	if _, kept := r.written[commit]; err != nil || !kept {
		return ctx.Err() // a tag of something else
	}
	for _, id := range chain {
		r.Add(id)
	}
	return nil
}

func (r *Repacker) gatherTree(ctx context.Context, id object.ID, depth int) error {
	if !r.Add(id) {
		return ctx.Err()
	}
	if depth > object.MaxDepth {
		return fmt.Errorf("directories nested deeper than %d", object.MaxDepth)
	}
	entries, err := object.ReadPastTree(id, r.reader.Read)
	for e := range entries.All() {
		switch e.Mode {
		case object.ModeSubmodule:
		case object.ModeDir:
			err = errors.Join(err, r.gatherTree(ctx, e.ID, depth+1))
		default:
			if !r.Partial || r.reader.Store.Has(e.ID) {
				r.Add(e.ID)
			}
		}
	}
	return err
}

// AddAll adds what a pack has, in its order.
func (r *Repacker) AddAll(p *pack.Pack) error {
	entries, err := r.entriesOf(p)
	for i := 0; err == nil && i < entries.Len(); i++ {
		r.Add(entries.At(i).ID)
	}
	return err
}

// Add takes an object into the new pack, once.
func (r *Repacker) Add(id object.ID) bool {
	if _, known := r.written[id]; known {
		return false
	}
	r.written[id] = 0
	r.order = append(r.order, id)
	return true
}

// write makes the pack and returns its checksum.
func (r *Repacker) write(ctx context.Context, file *os.File) (sum object.ID, err error) {
	head := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(len(r.order)))
	if _, err := r.out.Write(head); err != nil {
		return sum, err
	}
	for _, id := range r.order {
		if err := ctx.Err(); err != nil {
			return sum, err
		}
		before := r.out.Offset
		if err := r.copy(ctx, id, 0); err != nil {
			return sum, err
		}
		if err := r.Room.Take(r.out.Offset - before); err != nil {
			return sum, err
		}
		if r.Limit > 0 && r.out.Offset > r.Limit {
			return sum, fmt.Errorf("the history has %w", disk.TooMuch(r.Limit))
		}
	}
	h := r.reader.Store.Format.New()
	if _, err := io.Copy(h, io.NewSectionReader(file, 0, r.out.Offset)); err != nil {
		return sum, err
	}
	raw := h.Sum(nil)
	_, err = r.out.Write(raw)
	return r.reader.Store.Format.ID(raw), err
}
