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
	names map[object.ID]int32 // the entries that deltas lean on by name

	// borrow reads what a thin pack leans on from elsewhere. It may be nil. Only
	// the object borrowed last is kept.
	borrow   func(object.ID) (object.Object, error)
	borrowed map[object.ID]bool
	last     object.ID
	lent     object.Object

	// The first of those that lean on a base, and after each the next.
	byID     map[object.ID]int32
	byOffset map[int64]int32
	next     []int32 // -1: none
}

// Resolve names the objects that the pack leans on and does not have.
func (a *Receiver) Resolve(ctx context.Context, borrow func(object.ID) (object.Object, error)) (borrowed map[object.ID]bool, err error) {
	if len(a.waiting) == 0 {
		return nil, nil
	}
	a.bases.limit, a.passing = resolveBases, true
	r := &resolver{
		Receiver: a, names: map[object.ID]int32{}, borrow: borrow,
		borrowed: map[object.ID]bool{}, byID: map[object.ID]int32{}, byOffset: map[int64]int32{},
	}
	r.prepare()
	left := len(a.waiting)
	var ready []int32
	for i, w := range a.waiting {
		e := &a.Entries[w.entry]
		if e.Kind != 0 {
			continue
		}
		if ok, err := r.hasBase(w, e.ID); err != nil {
			return nil, err
		} else if !ok {
			continue
		}
		for ready = append(ready[:0], int32(i)); len(ready) > 0; {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			w := a.waiting[ready[len(ready)-1]]
			ready = ready[:len(ready)-1]
			e := &a.Entries[w.entry]
			if e.Kind != 0 {
				continue
			}
			if err := r.name(w); err != nil {
				return nil, err
			}
			left--
			ready = r.upon(e, ready)
		}
	}
	if left > 0 {
		return nil, errNoBase
	}
	return r.borrowed, nil
}

// prepare sorts what waits by what it waits for.
func (r *resolver) prepare() {
	r.next = make([]int32, len(r.waiting))
	for i, w := range r.waiting {
		first, some := r.byOffset[w.base]
		id := r.Entries[w.entry].ID
		if w.base == 0 {
			first, some = r.byID[id]
		}
		if r.next[i] = -1; some {
			r.next[i] = first
		}
		if w.base == 0 {
			r.byID[id] = int32(i)
		} else {
			r.byOffset[w.base] = int32(i)
		}
	}
	for i := range r.Entries {
		if e := &r.Entries[i]; e.Kind != 0 {
			r.know(e, int32(i))
		}
	}
}

// know notes an entry that deltas lean on by name.
func (r *resolver) know(e *Entry, i int32) {
	if _, wanted := r.byID[e.ID]; !wanted {
		return
	}
	if _, twice := r.names[e.ID]; !twice { // or what it leans on could lean on it
		r.names[e.ID] = i
	}
}

// upon appends those that lean on an entry.
func (r *resolver) upon(e *Entry, ready []int32) []int32 {
	if first, some := r.byID[e.ID]; some {
		for i := first; i >= 0; i = r.next[i] {
			ready = append(ready, i)
		}
	}
	if first, some := r.byOffset[e.Offset]; some {
		for i := first; i >= 0; i = r.next[i] {
			ready = append(ready, i)
		}
	}
	return ready
}

// hasBase says whether the base of a delta is known by now.
func (r *resolver) hasBase(w waitingDelta, id object.ID) (bool, error) {
	if w.base > 0 {
		i, ok := r.entryAt(w.base)
		if !ok {
			return false, errEntry
		}
		return r.Entries[i].Kind != 0, nil
	}
	if _, ok := r.names[id]; ok {
		return true, nil
	}
	if r.borrowed[id] || r.borrow == nil {
		return r.borrowed[id], nil
	}
	if _, err := r.lend(id); err != nil {
		// It may still turn up as a delta within the pack.
		return false, nil //nolint:nilerr // what is never found is errNoBase
	}
	r.borrowed[id] = true
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
	r.know(e, w.entry)
	return r.stream.count(int64(len(o.Data)))
}

func (r *resolver) locate(id object.ID) (Place, object.Object, error) {
	if i, ok := r.names[id]; ok {
		return Place{r.Pack, r.Entries[i].Offset}, object.Object{}, nil
	}
	if !r.borrowed[id] {
		return Place{}, object.Object{}, errNoBase
	}
	o, err := r.lend(id)
	return Place{}, o, err
}

func (r *resolver) lend(id object.ID) (object.Object, error) {
	if r.last == id {
		return r.lent, nil
	}
	o, err := r.borrow(id)
	if err == nil {
		r.last, r.lent = id, o
	}
	return o, err
}
