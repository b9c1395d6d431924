package pack

import (
	"bufio"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/bittrance/kitops/poller/git/inflate"
	"github.com/bittrance/kitops/poller/git/object"
)

// deltaStream makes of a base what a delta says, of which neither is in memory.
type deltaStream struct {
	r       *bufio.Reader
	base    Base
	result  int64 // bytes to be made
	piece   []byte
	stopped func() error // says why it is to end
}

// newDeltaStream reads the head of a delta of a size upon a base.
func newDeltaStream(r io.Reader, size int64, base Base, stopped func() error) (*deltaStream, error) {
	d := &deltaStream{r: bufio.NewReaderSize(r, spoolPiece), base: base, stopped: stopped}
	from, err := d.size()
	if err != nil {
		return nil, err
	}
	to, err := d.size()
	switch {
	case err != nil:
		return nil, err
	case from != uint64(base.Size()):
		return nil, errDelta
	case to > MaxObject || to>>24 > uint64(size): // as applyDelta has it
		return nil, object.ErrTooLarge
	}
	d.result = int64(to)
	return d, nil
}

// size reads one of the numbers in the head.
func (d *deltaStream) size() (uint64, error) {
	head, err := d.r.Peek(10)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, asDamage(err)
	}
	size, rest, ok := deltaSize(head)
	if !ok {
		return 0, errDelta
	}
	_, err = d.r.Discard(len(head) - len(rest))
	return size, err
}

// copy writes the result.
func (d *deltaStream) copy(to io.Writer) error {
	out := bufio.NewWriterSize(stoppable{to, d.stopped}, spoolPiece)
	left := d.result
	d.piece = make([]byte, spoolPiece)
	for {
		op, err := d.r.ReadByte()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return asDamage(err)
		}
		n := int64(op)
		if op&0x80 != 0 {
			n, err = d.copyBase(out, op, left)
		} else if n == 0 || n > left {
			return errDelta
		} else if _, err = io.ReadFull(d.r, d.piece[:n]); err != nil {
			return errDelta
		} else {
			_, err = out.Write(d.piece[:n])
		}
		if err != nil {
			return err
		}
		left -= n
	}
	if left != 0 {
		return errDelta
	}
	return out.Flush()
}

// copyBase does an instruction to copy from the base.
func (d *deltaStream) copyBase(out io.Writer, op byte, left int64) (int64, error) {
	fields, err := d.r.Peek(7)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, asDamage(err)
	}
	offset, size, rest, ok := deltaPlace(op, fields)
	if !ok || offset+size > uint64(d.base.Size()) || size > uint64(left) {
		return 0, errDelta
	}
	if _, err := d.r.Discard(len(fields) - len(rest)); err != nil {
		return 0, err
	}
	for at, end := int64(offset), int64(offset+size); at < end; {
		piece := d.piece[:min(end-at, spoolPiece)]
		if err := d.base.readAt(piece, at); err != nil {
			return 0, err
		}
		if _, err := out.Write(piece); err != nil {
			return 0, err
		}
		at += int64(len(piece))
	}
	return int64(size), nil
}

// stoppable is a writer for long work.
type stoppable struct {
	io.Writer
	stopped func() error
}

func (s stoppable) Write(p []byte) (int, error) {
	if err := s.stopped(); err != nil {
		return 0, err
	}
	return s.Writer.Write(p)
}

// inflated reads size bytes of a zlib stream, and that it ends there.
type inflated struct {
	z    io.Reader
	left int64
}

func newInflated(r io.Reader, size int64) (*inflated, error) {
	z, err := zlib.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", inflate.ErrDamaged, err)
	}
	return &inflated{z, size}, nil
}

func (i *inflated) Read(p []byte) (int, error) {
	n, err := i.z.Read(p[:min(int64(len(p)), i.left+1)]) // one more byte, so that the end is read
	i.left -= int64(n)
	switch {
	case i.left < 0, errors.Is(err, io.EOF) && i.left > 0:
		return 0, inflate.ErrDamaged
	case err != nil && !errors.Is(err, io.EOF):
		return n, asDamage(err)
	}
	return n, err
}

// asDamage is an error of reading as that of a zlib stream, unless it is a file's.
func asDamage(err error) error {
	var file *os.PathError
	if errors.As(err, &file) || errors.Is(err, inflate.ErrDamaged) {
		return err
	}
	return fmt.Errorf("%w: %w", inflate.ErrDamaged, err)
}
