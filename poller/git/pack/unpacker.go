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
		data, _, err := u.Window.content(at.Pack, at.Offset, h)
		if err != nil {
			return o, err
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
		data, err := applyDelta(o.Data, steps[i].delta, MaxObject)
		if err != nil {
			return o, err
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
