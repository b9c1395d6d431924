package pack

import (
	"io"

	"github.com/bittrance/kitops/poller/git/object"
)

const (
	maxChain      = 1 << 14 // deltas upon each other; git stops at 4095
	maxChainBytes = 1 << 30 // that their instructions have
	mostDeltas    = 8 << 20 // bytes of instructions in memory; others are inflated when it is their turn
)

// Unpacker reads objects from packs, those they lean on included. It does not
// check them. What is too large to be kept is made by way of files. It is for
// one goroutine.
type Unpacker struct {
	Window packWindow
	Spools Spools
	bases  objectCache
	next   chain // that was looked at and not made yet

	// When objects come in their order, a large one that was made last is there for
	// deltas upon it, until release.
	passing bool
	lastAt  Place
	last    Base

	unfolded int64 // bytes that were made of entries and deltas
}

// NewUnpacker is for one goroutine.
func NewUnpacker(bases int) Unpacker { return Unpacker{bases: newObjectCache(bases)} }

// Locate finds the base of a delta by its name. A place without a pack says
// that the object is given with it.
type Locate func(object.ID) (Place, Base, error)

// step is an entry on the way from an object down to its base.
type step struct {
	at   Place
	head EntryHead
	data []byte // nil: still to be inflated
}

// chain is the way from an entry down to what is no delta.
type chain struct {
	at    Place
	steps []step // deltas, to be applied from the last on
	base  Base   // if it is at hand,
	entry step   // or else where it is
	large bool   // something on the way is
}

// Large says whether a blob is too large to be made in memory beside others.
func (u *Unpacker) Large(at Place, find Locate) (bool, error) {
	c, err := u.chain(at, find)
	if err != nil {
		return false, err // half a chain is nothing to go on with
	}
	u.next = c
	return c.large || len(c.steps) == 0 && c.entry.head.Size > StreamAbove, nil
}

// chain looks at an entry and what it leans on. Small ones are inflated at once.
func (u *Unpacker) chain(at Place, find Locate) (c chain, err error) {
	if c = u.next; c.at == at && at.Pack != nil {
		u.next = chain{}
		return c, nil
	}
	c = chain{at: at}
	var total, held int64
	for {
		if u.last.Kind != 0 && u.lastAt == at {
			c.base, c.large = u.last, true
			return c, nil
		}
		if o, ok := u.bases.get(at); ok {
			c.base = Base{Kind: o.Kind, Data: o.Data}
			return c, nil
		}
		h, err := u.Window.Head(at.Pack, at.Offset)
		if err != nil {
			return c, err
		}
		s := step{at: at, head: h}
		large := u.bases.refuses(h.Size)
		c.large = c.large || large
		if !h.Delta() {
			c.entry = s
			return c, nil
		}
		if total += h.Size; total > maxChainBytes || len(c.steps) >= maxChain {
			return c, errEntry
		}
		if !large {
			if held+h.Size <= mostDeltas {
				held += h.Size
				err = u.inflate(&s)
			}
			if err != nil {
				return c, err
			}
			makes, err := s.makes()
			if err != nil {
				return c, err
			}
			c.large = c.large || u.bases.refuses(int64(min(makes, MaxObject)))
		}
		c.steps = append(c.steps, s)
		if at, c.base, err = below(at, h, find); err != nil || at.Pack == nil {
			c.large = c.large || c.base.spool != nil
			return c, err
		}
	}
}

// makes is how large a delta says that its result is.
func (s *step) makes() (uint64, error) {
	if s.data != nil {
		return resultSize(s.data), nil
	}
	begin := s.at.Offset + int64(s.head.Length)
	r, err := newInflated(io.NewSectionReader(s.at.Pack.File, begin, s.at.Pack.Size-begin), s.head.Size)
	if err != nil {
		return 0, err
	}
	head := make([]byte, min(2*10, s.head.Size))
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, asDamage(err)
	}
	return resultSize(head), nil
}

// inflate gets the data of an entry into memory.
func (u *Unpacker) inflate(s *step) (err error) {
	if s.data == nil {
		s.data, err = u.Window.content(s.at.Pack, s.at.Offset, s.head)
		u.unfolded += int64(len(s.data))
	}
	return err
}

// Unpack gives an entry, made of what it leans on, in memory.
func (u *Unpacker) Unpack(at Place, find Locate) (object.Object, error) {
	c, err := u.chain(at, find)
	if err != nil {
		return object.Object{}, err
	}
	return u.unpack(c)
}

func (u *Unpacker) unpack(c chain) (o object.Object, err error) {
	if c.large && (len(c.steps) > 0 || c.base.Kind != 0) {
		var whole memory
		err = u.makeTo(c, func() error { return nil }, func(kind object.Kind, size int64) (io.Writer, error) {
			o.Kind, whole.data = kind, make([]byte, 0, size)
			return &whole, nil
		}, false)
		o.Data = whole.data
		return o, err
	}
	if o = (object.Object{Kind: c.base.Kind, Data: c.base.Data}); o.Kind == 0 {
		if err := u.inflate(&c.entry); err != nil {
			return o, err
		}
		o = object.Object{Kind: c.entry.head.Kind, Data: c.entry.data}
		u.bases.put(c.entry.at, o)
	}
	for i := len(c.steps) - 1; i >= 0; i-- {
		s := &c.steps[i]
		if err := u.inflate(s); err != nil {
			return o, err
		}
		if o.Data, err = applyDelta(o.Data, s.data, MaxObject); err != nil {
			return o, err
		}
		s.data = nil
		u.unfolded += int64(len(o.Data))
		u.bases.put(s.at, o)
	}
	return o, nil
}

// memory is a writer to a slice that has the room.
type memory struct{ data []byte }

func (m *memory) Write(p []byte) (int, error) {
	m.data = append(m.data, p...)
	return len(p), nil
}

// Stream writes an entry, made of what it leans on, in pieces to what begin
// gives. It ends when stopped says why.
func (u *Unpacker) Stream(at Place, find Locate, stopped func() error, begin func(object.Kind, int64) (io.Writer, error)) error {
	c, err := u.chain(at, find)
	if err != nil {
		return err
	}
	return u.makeTo(c, stopped, begin, false)
}

// below is what a delta leans on.
func below(at Place, h EntryHead, find Locate) (Place, Base, error) {
	if h.Kind == object.KindRefDelta {
		return find(h.Base)
	}
	if h.Back <= 0 {
		return at, Base{}, errEntry
	}
	at.Offset -= h.Back
	return at, Base{}, nil
}
