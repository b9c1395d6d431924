package pack

import (
	"compress/zlib"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"github.com/bittrance/kitops/poller/git/object"
)

// Complete appends to a thin pack what it leans on, and gives the pack the
// checksum that it has then.
func (a *Receiver) Complete(borrowed map[object.ID]bool, borrow func(object.ID) (Base, error), sum object.ID) (object.ID, error) {
	if len(borrowed) == 0 {
		return sum, nil
	}
	f, end := a.Pack.File, a.Pack.Size
	for id := range borrowed {
		o, err := borrow(id)
		if err != nil {
			return sum, err
		}
		out := &Writer{F: f, Offset: end}
		entry, err := out.Whole(id, o)
		if err != nil {
			return sum, err
		}
		end = out.Offset
		a.Entries.Add(entry)
	}
	if _, err := f.WriteAt(binary.BigEndian.AppendUint32(nil, uint32(a.Entries.Len())), 8); err != nil {
		return sum, err
	}
	h := a.Pack.Format.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, end)); err != nil {
		return sum, err
	}
	raw := h.Sum(nil)
	sum = a.Pack.Format.ID(raw)
	if _, err := f.WriteAt(raw, end); err != nil {
		return sum, err
	}
	a.Pack.Size = end
	return sum, nil
}

// Writer writes entries one after another.
type Writer struct {
	F      io.WriterAt
	Offset int64
	Crc    uint32
	z      *zlib.Writer
}

func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.F.WriteAt(p, w.Offset)
	w.Offset += int64(n)
	w.Crc = crc32.Update(w.Crc, crc32.IEEETable, p[:n])
	return n, err
}

// Whole writes an object that leans on none.
func (w *Writer) Whole(id object.ID, o Base) (Entry, error) {
	e := Entry{ID: id, Kind: o.Kind, Offset: w.Offset}
	w.Crc = 0
	if _, err := w.Write(AppendEntryHead(nil, o.Kind, o.Size())); err != nil {
		return e, err
	}
	if w.z == nil {
		w.z, _ = zlib.NewWriterLevel(w, zlib.BestSpeed) // fails for levels that do not exist; a rewrite drops most of these objects
	} else {
		w.z.Reset(w)
	}
	err := errors.Join(o.copyTo(w.z), w.z.Close())
	e.Crc = w.Crc
	return e, err
}
