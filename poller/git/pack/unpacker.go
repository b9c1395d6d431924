package pack

import (
	"github.com/bittrance/kitops/poller/git/object"
)

const (
	maxChain      = 1 << 14 // deltas upon each other; git stops at 4095
	maxChainBytes = 1 << 30 // that their instructions have
)

// Unpacker reads objects from packs, those they lean on included. It does not
// check them. It is for one goroutine.
type Unpacker struct {
	Window packWindow
	bases  objectCache

	// When nobody uses an object beyond the next call, those too large to be kept
	// take turns in two rooms, and the last of them is there for a delta upon it.
	passing bool
	rooms   [2][]byte
	lastAt  Place
	last    object.Object

	unfolded int64 // bytes that were made of entries and deltas
}

// NewUnpacker is for one goroutine.
func NewUnpacker(bases int) Unpacker { return Unpacker{bases: newObjectCache(bases)} }

// locate finds the base of a delta by its name. A place without a pack says
// that the object is given with it.
type locate func(object.ID) (Place, object.Object, error)

// step is a delta on the way from an object down to its base.
type step struct {
	at    Place
	delta []byte
}

// Unpack inflates an entry and what it leans on.
func (u *Unpacker) Unpack(at Place, find locate) (object.Object, error) {
	var steps []step
	size := 0
	o, found := u.known(at)
	for !found {
		h, err := u.Window.Head(at.Pack, at.Offset)
		if err != nil {
			return o, err
		}
		var room []byte
		large := u.large(h.Size) && !h.Delta()
		if large {
			room, u.lastAt = u.rooms[0], Place{} // what was there is no more
		}
		data, _, err := u.Window.content(at.Pack, at.Offset, h, room)
		if err != nil {
			return o, err
		}
		if large {
			u.rooms[0] = data
		}
		u.unfolded += int64(len(data))
		if !h.Delta() {
			o = object.Object{Kind: h.Kind, Data: data}
			u.bases.put(at, o)
			break
		}
		steps = append(steps, step{at, data})
		if size += len(data); size > maxChainBytes || len(steps) > maxChain {
			return o, errEntry
		}
		if at, o, err = below(at, h, find); err != nil {
			return o, err
		}
		if found = at.Pack == nil; !found {
			o, found = u.known(at)
		}
	}
	for i := len(steps) - 1; i >= 0; i-- {
		if err := u.apply(&o, steps[i]); err != nil {
			return o, err
		}
	}
	return o, nil
}

// known is an object that is in memory.
func (u *Unpacker) known(at Place) (object.Object, bool) {
	if u.passing && u.lastAt == at {
		return u.last, true
	}
	return u.bases.get(at)
}

// large says whether an object goes into a room.
func (u *Unpacker) large(size int64) bool { return u.passing && u.bases.refuses(size) }

// apply makes of an object what a delta upon it says.
func (u *Unpacker) apply(o *object.Object, s step) error {
	var room []byte
	free := 0
	large := u.large(int64(min(resultSize(s.delta), MaxObject)))
	if large {
		if sameRoom(o.Data, u.rooms[0]) {
			free = 1
		}
		room, u.lastAt = u.rooms[free], Place{}
	}
	data, err := applyDelta(o.Data, s.delta, MaxObject, room)
	if err != nil {
		return err
	}
	o.Data = data
	u.unfolded += int64(len(data))
	if large {
		u.rooms[free], u.lastAt, u.last = data, s.at, *o
	}
	u.bases.put(s.at, *o)
	return nil
}

// sameRoom says whether two slices begin at the same byte.
func sameRoom(a, b []byte) bool { return cap(a) > 0 && cap(b) > 0 && &a[:1][0] == &b[:1][0] }

// below is what a delta leans on.
func below(at Place, h EntryHead, find locate) (Place, object.Object, error) {
	if h.Kind == object.KindRefDelta {
		return find(h.Base)
	}
	if h.Back <= 0 {
		return at, object.Object{}, errEntry
	}
	at.Offset -= h.Back
	return at, object.Object{}, nil
}
