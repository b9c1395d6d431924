package pack

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/bittrance/kitops/poller/git/object"
)

var errNoBase = errors.New("the pack leans on an object that is nowhere")

// resolver names the deltas of an arrival that wait, in whatever order their
// bases come.
type resolver struct {
	*Receiver
	names map[object.ID]int

	// borrow reads what a thin pack leans on from elsewhere. It may be nil.
	borrow   func(object.ID) (object.Object, error)
	borrowed map[object.ID]object.Object

	byID     map[object.ID][]waitingDelta
	byOffset map[int64][]waitingDelta
}

// Resolve returns the objects that the pack leans on and does not have.
func (a *Receiver) Resolve(ctx context.Context, borrow func(object.ID) (object.Object, error)) (map[object.ID]object.Object, error) {
	if len(a.waiting) == 0 {
		return nil, nil
	}
	a.bases.limit = resolveBases
	r := &resolver{
		Receiver: a, names: a.named(), borrow: borrow,
		borrowed: map[object.ID]object.Object{}, byID: map[object.ID][]waitingDelta{}, byOffset: map[int64][]waitingDelta{},
	}
	for _, w := range a.waiting {
		if w.base > 0 {
			r.byOffset[w.base] = append(r.byOffset[w.base], w)
		} else {
			r.byID[w.id] = append(r.byID[w.id], w)
		}
	}
	left := len(a.waiting)
	var ready []waitingDelta
	for _, w := range a.waiting {
		if ok, err := r.hasBase(w); err != nil {
			return nil, err
		} else if !ok {
			continue
		}
		for ready = append(ready[:0], w); len(ready) > 0; {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			w := ready[len(ready)-1]
			ready = ready[:len(ready)-1]
			e := &a.Entries[w.entry]
			if e.Kind != 0 {
				continue
			}
			if err := r.name(w); err != nil {
				return nil, err
			}
			left--
			ready = append(append(ready, r.byID[e.ID]...), r.byOffset[e.Offset]...)
		}
	}
	if left > 0 {
		return nil, errNoBase
	}
	return r.borrowed, nil
}

// hasBase says whether the base of a delta is known by now.
func (r *resolver) hasBase(w waitingDelta) (bool, error) {
	if w.base > 0 {
		i, ok := r.entryAt(w.base)
		if !ok {
			return false, errEntry
		}
		return r.Entries[i].Kind != 0, nil
	}
	if _, ok := r.names[w.id]; ok {
		return true, nil
	}
	if _, ok := r.borrowed[w.id]; ok || r.borrow == nil {
		return ok, nil
	}
	o, err := r.borrow(w.id)
	if err != nil {
		// It may still turn up as a delta within the pack.
		return false, nil //nolint:nilerr // what is never found is errNoBase
	}
	r.borrowed[w.id] = o
	return true, nil
}

func (r *resolver) entryAt(offset int64) (int, bool) {
	return slices.BinarySearchFunc(r.Entries, offset, func(e Entry, at int64) int { return cmp.Compare(e.Offset, at) })
}

func (r *resolver) name(w waitingDelta) error {
	e := &r.Entries[w.entry]
	o, err := r.Unpack(Place{r.Pack, e.Offset}, r.locate)
	if err != nil {
		return err
	}
	if e.ID, err = r.hash.Of(o); err != nil {
		return err
	}
	e.Kind = o.Kind
	if _, twice := r.names[e.ID]; !twice { // or what it leans on could lean on it
		r.names[e.ID] = w.entry
	}
	return nil
}

func (r *resolver) locate(id object.ID) (Place, object.Object, error) {
	if i, ok := r.names[id]; ok {
		return Place{r.Pack, r.Entries[i].Offset}, object.Object{}, nil
	}
	o, ok := r.borrowed[id]
	if !ok {
		return Place{}, o, errNoBase
	}
	return Place{}, o, nil
}
