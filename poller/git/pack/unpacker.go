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

	passing bool      // nobody uses an object beyond the next call
	rooms   [3][]byte // then for those too large to be kept, which follow each other: a base, and what deltas make of it
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
	o, found := u.bases.get(at)
	for !found {
		h, err := u.Window.Head(at.Pack, at.Offset)
		if err != nil {
			return o, err
		}
		var room []byte
		large := u.passing && !h.Delta() && u.bases.refuses(h.Size)
		if large {
			room = u.rooms[2]
		}
		data, _, err := u.Window.content(at.Pack, at.Offset, h, room)
		if err != nil {
			return o, err
		}
		if large {
			u.rooms[2] = data
		}
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
			o, found = u.bases.get(at)
		}
	}
	for i := len(steps) - 1; i >= 0; i-- {
		var room []byte
		large := u.passing && u.bases.refuses(int64(min(resultSize(steps[i].delta), MaxObject)))
		if large {
			room = u.rooms[i%2]
		}
		data, err := applyDelta(o.Data, steps[i].delta, MaxObject, room)
		if err != nil {
			return o, err
		}
		if large {
			u.rooms[i%2] = data
		}
		o.Data = data
		u.bases.put(steps[i].at, o)
	}
	return o, nil
}

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
