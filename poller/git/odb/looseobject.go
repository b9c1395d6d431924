package odb

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/pack"
)

// looseObject is an object that has a file of its own, gitformat-loose(5), open,
// or was made for the store.
type looseObject struct {
	id   object.ID
	kind object.Kind
	size int64
	r    io.Reader
	file *os.File // nil: none
}

func (l *looseObject) close() {
	if l.file != nil {
		_ = l.file.Close()
	}
}

func (r *Reader) openLoose(id object.ID) (*looseObject, error) {
	if blob, ok := r.Store.made[id]; ok {
		return &looseObject{id: id, kind: object.KindBlob, size: int64(len(blob)), r: bytes.NewReader(blob)}, nil
	}
	l := &looseObject{id: id}
	err := object.Missing(id)
	for _, dir := range r.Store.loose {
		if l.file, err = files.OpenRegular(loosePath(dir, id)); err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	if err := l.begin(); err != nil {
		l.close()
		return nil, object.Damaged("%s: %w", id, err)
	}
	return l, nil
}

func (l *looseObject) begin() error {
	z, err := zlib.NewReader(l.file)
	if err != nil {
		return err
	}
	var rest []byte
	if l.kind, l.size, rest, err = looseHead(z); err != nil {
		return err
	}
	l.r = io.MultiReader(bytes.NewReader(rest), z)
	return nil
}

// readLoose reads one into memory.
func (r *Reader) readLoose(id object.ID) (o object.Object, err error) {
	l, err := r.openLoose(id)
	if err != nil {
		return o, err
	}
	defer l.close()
	if l.size > pack.MaxObject {
		return o, fmt.Errorf("%s: %w", id, object.ErrTooLarge)
	}
	var data bytes.Buffer
	data.Grow(int(l.size))
	err = r.copyFrom(l, &data)
	return object.Object{Kind: l.kind, Data: data.Bytes()}, err
}

// CopyLoose reads an object of at most limit bytes that has a file of its own.
func (r *Reader) CopyLoose(w io.Writer, id object.ID, limit int64) (object.Kind, error) {
	kind, err := r.copyLoose(w, id, limit)
	packed, moved := r.moved(id, err)
	if !moved {
		return kind, err
	}
	if h, err := r.Window.Head(packed.Pack, packed.Offset); err == nil && !h.Delta() && h.Size > limit {
		return 0, fmt.Errorf("%s: %w", id, object.ErrTooLarge)
	}
	o, err := r.readAt(packed, id)
	if err == nil && int64(len(o.Data)) > limit {
		err = fmt.Errorf("%s: %w", id, object.ErrTooLarge)
	}
	if err == nil {
		_, err = w.Write(o.Data)
	}
	return o.Kind, err
}

func (r *Reader) copyLoose(w io.Writer, id object.ID, limit int64) (object.Kind, error) {
	l, err := r.openLoose(id)
	if err != nil {
		return 0, err
	}
	defer l.close()
	if l.size > limit {
		return 0, fmt.Errorf("%s: %w", id, object.ErrTooLarge)
	}
	return l.kind, r.copyFrom(l, w)
}

// copyFrom reads all of an object.
func (r *Reader) copyFrom(l *looseObject, w io.Writer) error {
	r.hash.Begin(l.kind, l.size)
	n, err := io.Copy(io.MultiWriter(r.hash, w), io.LimitReader(l.r, l.size+1))
	if err != nil {
		return AsDamage(err, l.id)
	}
	if found, err := r.hash.ID(); err != nil || found != l.id || n != l.size {
		return errors.Join(object.Damaged("%s %s is damaged", l.kind, l.id), err)
	}
	return nil
}

// looseHead reads "blob 42\0" and what came along with it.
func looseHead(r io.Reader) (kind object.Kind, size int64, rest []byte, err error) {
	buf := make([]byte, 64)
	n, err := io.ReadFull(r, buf)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return 0, 0, nil, err
	}
	head, rest, ok := bytes.Cut(buf[:n], []byte{0})
	name, length, ok2 := strings.Cut(string(head), " ")
	if !ok || !ok2 {
		return 0, 0, nil, errors.New("damaged head")
	}
	if kind, err = object.ParseKind(name); err != nil {
		return 0, 0, nil, err
	}
	size, err = strconv.ParseInt(length, 10, 64)
	if err == nil && size < 0 {
		err = errors.New("damaged head")
	}
	return kind, size, rest, err
}
