package git

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

var errNoBase = errors.New("the pack leans on an object that is nowhere")

// resolver names the deltas of an arrival that wait, in whatever order their
// bases come.
type resolver struct {
	*arrival
	names map[plumbing.Hash]int

	// borrow reads what a thin pack leans on from elsewhere. It may be nil.
	borrow   func(plumbing.Hash) (object, error)
	borrowed map[plumbing.Hash]object

	byID     map[plumbing.Hash][]waitingDelta
	byOffset map[int64][]waitingDelta
}

// resolve returns the objects that the pack leans on and does not have.
func (a *arrival) resolve(ctx context.Context, borrow func(plumbing.Hash) (object, error)) (map[plumbing.Hash]object, error) {
	if len(a.waiting) == 0 {
		return nil, nil
	}
	a.bases.limit = resolveBases
	r := &resolver{
		arrival: a, names: a.named(), borrow: borrow,
		borrowed: map[plumbing.Hash]object{}, byID: map[plumbing.Hash][]waitingDelta{}, byOffset: map[int64][]waitingDelta{},
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
			e := &a.entries[w.entry]
			if e.kind != 0 {
				continue
			}
			if err := r.name(w); err != nil {
				return nil, err
			}
			left--
			ready = append(append(ready, r.byID[e.id]...), r.byOffset[e.offset]...)
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
		return r.entries[i].kind != 0, nil
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
	return slices.BinarySearchFunc(r.entries, offset, func(e packEntry, at int64) int { return cmp.Compare(e.offset, at) })
}

func (r *resolver) name(w waitingDelta) error {
	e := &r.entries[w.entry]
	o, err := r.unpack(place{r.pack, e.offset}, r.locate)
	if err != nil {
		return err
	}
	if e.id, err = r.hash.of(o); err != nil {
		return err
	}
	e.kind = o.kind
	if _, twice := r.names[e.id]; !twice { // or what it leans on could lean on it
		r.names[e.id] = w.entry
	}
	return nil
}

func (r *resolver) locate(id plumbing.Hash) (place, object, error) {
	if i, ok := r.names[id]; ok {
		return place{r.pack, r.entries[i].offset}, object{}, nil
	}
	o, ok := r.borrowed[id]
	if !ok {
		return place{}, o, errNoBase
	}
	return place{}, o, nil
}
