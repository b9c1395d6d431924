package pack

import (
	"bytes"
	"errors"
	"io"

	"github.com/bittrance/kitops/poller/git/object"
)

// makeTo makes a chain by way of files. With keep the last of them has what it
// makes. In passing that file, or else the one before it, is for what comes next.
func (u *Unpacker) makeTo(c chain, stopped func() error, begin func(object.Kind, int64) (io.Writer, error), keep bool) (err error) {
	base, at := c.base, c.entry.at
	if len(c.steps) == 0 && !keep {
		return u.copyBottom(c, stopped, begin)
	}
	owned := base.Kind == 0 // else it is somebody else's
	defer func() {
		switch {
		case owned && u.passing && base.spool != nil && err == nil:
			err = u.keepLast(at, base)
		case owned:
			err = errors.Join(err, base.Close())
		}
	}()
	if owned {
		if base, err = u.spoolEntry(c.entry, stopped); err != nil {
			return err
		}
	}
	for i := len(c.steps) - 1; i >= 0; i-- {
		s := c.steps[i]
		d, err := u.deltaOf(s, base, stopped)
		if err != nil {
			return err
		}
		made := Base{Kind: base.Kind}
		var out io.Writer
		if i == 0 {
			if out, err = begin(base.Kind, d.result); err != nil {
				return err
			}
		}
		if i > 0 || keep {
			if made.spool, err = u.Spools.create(); err != nil {
				return err
			}
		}
		switch {
		case out == nil:
			out = made.spool
		case keep:
			out = io.MultiWriter(out, made.spool)
		}
		again := base.reread()
		err = d.copy(out)
		u.unfolded += d.result + max(0, base.reread()-again-base.Size())
		if err != nil || made.spool == nil {
			return errors.Join(err, made.Close())
		}
		if owned {
			err = base.Close()
		}
		base, at, owned = made, s.at, true
		if err != nil {
			return err
		}
	}
	return nil
}

// reread is how many bytes were read of it in small pieces.
func (b Base) reread() int64 {
	if b.spool == nil {
		return 0
	}
	return b.spool.read
}

// copyBottom writes what is no delta.
func (u *Unpacker) copyBottom(c chain, stopped func() error, begin func(object.Kind, int64) (io.Writer, error)) error {
	kind, size := c.base.Kind, c.base.Size()
	if kind == 0 {
		kind, size = c.entry.head.Kind, c.entry.head.Size
	}
	out, err := begin(kind, size)
	if err != nil {
		return err
	}
	if c.base.Kind != 0 {
		return c.base.copyTo(stoppable{out, stopped})
	}
	u.unfolded += size
	return u.Window.Copy(stoppable{out, stopped}, c.entry.at.Pack, c.entry.at.Offset, c.entry.head)
}

// spoolEntry gives an entry that is no delta, in a file if it is large.
func (u *Unpacker) spoolEntry(s step, stopped func() error) (b Base, err error) {
	b.Kind = s.head.Kind
	if s.head.Size > MaxObject {
		return b, object.ErrTooLarge
	}
	if !u.bases.refuses(s.head.Size) {
		err = u.inflate(&s)
		b.Data = s.data
		return b, err
	}
	u.unfolded += s.head.Size
	return u.Spools.NewSpool(b.Kind, func(to io.Writer) error {
		return u.Window.Copy(stoppable{to, stopped}, s.at.Pack, s.at.Offset, s.head)
	})
}

// deltaOf reads a delta from memory, or else in pieces from its pack.
func (u *Unpacker) deltaOf(s step, base Base, stopped func() error) (*deltaStream, error) {
	if s.data != nil {
		return newDeltaStream(bytes.NewReader(s.data), s.head.Size, base, stopped)
	}
	begin := s.at.Offset + int64(s.head.Length)
	r, err := newInflated(s.at.Pack.section(begin), s.head.Size)
	if err != nil {
		return nil, err
	}
	u.unfolded += s.head.Size
	return newDeltaStream(r, s.head.Size, base, stopped)
}

// keepLast has a large object be there for the next ones.
func (u *Unpacker) keepLast(at Place, b Base) error {
	err := u.release()
	u.lastAt, u.last = at, b
	return err
}

// release lets the large object go that was made last.
func (u *Unpacker) release() error {
	last := u.last
	u.lastAt, u.last = Place{}, Base{}
	return last.Close()
}
