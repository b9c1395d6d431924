package git

import (
	"compress/zlib"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/go-git/go-git/v5/plumbing"
)

// receive takes in a pack that makes the wanted revision complete together with
// what the repository has. l, which may be nil, writes files meanwhile. Nothing
// is changed but that there may be a temporary file until all is checked.
func (b *bare) receive(ctx context.Context, d *delivery, rev held, limit int64, l *landing) (held, error) {
	err := b.takeIn(ctx, d, limit, l, func(whole *store) (cut []plumbing.Hash, err error) {
		rev, cut, err = b.connected(ctx, whole, rev, d.shallow)
		return cut, err
	})
	if err != nil {
		return rev, err
	}
	return rev, b.hold(rev)
}

// takeIn makes a pack one of the repository if check finds all in order, given
// the repository as it will be. check says which commits are without parents
// then.
func (b *bare) takeIn(ctx context.Context, r io.Reader, limit int64, l *landing, check func(*store) ([]plumbing.Hash, error)) (err error) {
	file, err := os.CreateTemp(b.packDir(), tmpPrefix+"pack_")
	if err != nil {
		return err
	}
	defer func() {
		_ = file.Close()           // closed before it was renamed, if it was
		_ = os.Remove(file.Name()) // gone after the rename; what stays is swept
	}()
	a := newArrival(ctx, r, file, limit)
	if l != nil {
		l.on(a)
	}
	sum, err := a.read(ctx)
	if err != nil {
		return fmt.Errorf("fetch the pack: %w", ctxErr(ctx, err))
	}
	var borrow func(plumbing.Hash) (object, error)
	if len(b.store.packs) > 0 {
		borrow = b.store.reader().read
	}
	borrowed, err := a.resolve(ctx, borrow)
	if err != nil {
		return fmt.Errorf("fetch the pack: %w", ctxErr(ctx, err))
	}
	if sum, err = a.complete(borrowed, sum); err != nil {
		return err
	}
	index := encodePackIndex(a.entries, sum)
	parsed, ok := parsePackIndex(index)
	if !ok {
		return errors.New("the index of the pack cannot be read back")
	}
	p := &pack{file: file, size: a.pack.size, index: parsed}
	cut, err := check(&store{packs: append(b.store.packs[:len(b.store.packs):len(b.store.packs)], p)})
	if err != nil {
		return fmt.Errorf("check the pack: %w", err)
	}
	if err := file.Close(); err != nil {
		return err
	}
	return b.accept(file.Name(), index, sum, cut)
}

// accept makes a pack one of the repository that was found in order. A crash
// may leave commits too many in the list of those without parents, which does
// no harm, and never one too few.
func (b *bare) accept(pack string, index []byte, sum plumbing.Hash, cut []plumbing.Hash) error {
	if parsed, ok := parsePackIndex(index); ok && parsed.count > 0 {
		if err := b.saveShallow(append(cut[:len(cut):len(cut)], b.shallow...)); err != nil {
			return err
		}
		if err := b.adopt(pack, index, sum); err != nil {
			return err
		}
	}
	b.shallow = cut
	return nil
}

// complete appends to a thin pack what it leans on, and gives the pack the
// checksum that it has then.
func (a *arrival) complete(borrowed map[plumbing.Hash]object, sum plumbing.Hash) (plumbing.Hash, error) {
	if len(borrowed) == 0 {
		return sum, nil
	}
	f, end := a.pack.file, a.pack.size
	for id, o := range borrowed {
		out := &packWriter{f: f, offset: end}
		entry, err := out.whole(id, o)
		if err != nil {
			return sum, err
		}
		end = out.offset
		a.entries = append(a.entries, entry)
	}
	if _, err := f.WriteAt(binary.BigEndian.AppendUint32(nil, uint32(len(a.entries))), 8); err != nil {
		return sum, err
	}
	h := sha1.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, end)); err != nil {
		return sum, err
	}
	h.Sum(sum[:0])
	if _, err := f.WriteAt(sum[:], end); err != nil {
		return sum, err
	}
	a.pack.size = end
	return sum, nil
}

// packWriter writes entries one after another.
type packWriter struct {
	f      io.WriterAt
	offset int64
	crc    uint32
	z      *zlib.Writer
}

func (w *packWriter) Write(p []byte) (int, error) {
	n, err := w.f.WriteAt(p, w.offset)
	w.offset += int64(n)
	w.crc = crc32.Update(w.crc, crc32.IEEETable, p[:n])
	return n, err
}

// whole writes an object that leans on none.
func (w *packWriter) whole(id plumbing.Hash, o object) (packEntry, error) {
	e := packEntry{id: id, kind: o.kind, offset: w.offset}
	w.crc = 0
	if _, err := w.Write(appendEntryHead(nil, o.kind, int64(len(o.data)))); err != nil {
		return e, err
	}
	if w.z == nil {
		w.z, _ = zlib.NewWriterLevel(w, zlib.BestSpeed) // fails for levels that do not exist; a rewrite drops most of these objects
	} else {
		w.z.Reset(w)
	}
	_, err := w.z.Write(o.data)
	err = errors.Join(err, w.z.Close())
	e.crc = w.crc
	return e, err
}
