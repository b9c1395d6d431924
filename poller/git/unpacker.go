package git

import "github.com/go-git/go-git/v5/plumbing"

const (
	maxChain      = 1 << 14 // deltas upon each other; git stops at 4095
	maxChainBytes = 1 << 30 // that their instructions have
)

// unpacker reads objects from packs, those they lean on included. It does not
// check them. It is for one goroutine.
type unpacker struct {
	window packWindow
	bases  objectCache
}

func newUnpacker(bases int) unpacker { return unpacker{bases: newObjectCache(bases)} }

// locate finds the base of a delta by its name. A place without a pack says
// that the object is given with it.
type locate func(plumbing.Hash) (place, object, error)

// step is a delta on the way from an object down to its base.
type step struct {
	at    place
	delta []byte
}

func (u *unpacker) unpack(at place, find locate) (object, error) {
	var steps []step
	size := 0
	o, found := u.bases.get(at)
	for !found {
		h, err := u.window.head(at.pack, at.offset)
		if err != nil {
			return o, err
		}
		data, _, err := u.window.content(at.pack, at.offset, h)
		if err != nil {
			return o, err
		}
		if !h.delta() {
			o = object{h.kind, data}
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
		if found = at.pack == nil; !found {
			o, found = u.bases.get(at)
		}
	}
	for i := len(steps) - 1; i >= 0; i-- {
		data, err := applyDelta(o.data, steps[i].delta, maxObject)
		if err != nil {
			return o, err
		}
		o.data = data
		u.bases.put(steps[i].at, o)
	}
	return o, nil
}

// below is what a delta leans on.
func below(at place, h entryHead, find locate) (place, object, error) {
	if h.kind == plumbing.REFDeltaObject {
		return find(h.base)
	}
	if h.back <= 0 {
		return at, object{}, errEntry
	}
	at.offset -= h.back
	return at, object{}, nil
}
