package pack

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"sort"

	"github.com/bittrance/kitops/poller/git/object"
)

var errNoBase = errors.New("the pack leans on an object that is nowhere")

// resolver names the deltas of an arrival that wait, in whatever order their
// bases come. It has no maps: a pack of some MB can have millions of deltas.
type resolver struct {
	*Receiver

	// borrow reads what a thin pack leans on from elsewhere. It may be nil. Only
	// the object borrowed last is kept.
	borrow   func(object.ID) (object.Object, error)
	borrowed map[object.ID]bool
	last     object.ID
	lent     object.Object

	// The deltas by what they lean on: those upon a name first, by name, then
	// those upon an offset. For those upon a name, the first of each name also
	// has the entry of that name, or none.
	order   []int32
	byName  int
	entries []int32
}

const none = -1

// Resolve names the objects that the pack leans on and does not have.
func (a *Receiver) Resolve(ctx context.Context, borrow func(object.ID) (object.Object, error)) (borrowed map[object.ID]bool, err error) {
	if len(a.waiting) == 0 {
		return nil, nil
	}
	a.bases.limit, a.passing = resolveBases, true
	r := &resolver{Receiver: a, borrow: borrow, borrowed: map[object.ID]bool{}}
	r.prepare()
	left := len(a.waiting)
	var ready []int32
	for i, w := range a.waiting {
		if a.Entries.kind(int(w.entry)) != 0 {
			continue
		}
		if ok, err := r.hasBase(w); err != nil {
			return nil, err
		} else if !ok {
			continue
		}
		for ready = append(ready[:0], int32(i)); len(ready) > 0; {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			entry := int(a.waiting[ready[len(ready)-1]].entry)
			ready = ready[:len(ready)-1]
			if a.Entries.kind(entry) != 0 {
				continue
			}
			if err := r.name(entry); err != nil {
				return nil, err
			}
			left--
			ready = r.upon(entry, ready)
		}
	}
	if left > 0 {
		return nil, errNoBase
	}
	return r.borrowed, nil
}

// prepare sorts what waits by what it waits for.
func (r *resolver) prepare() {
	r.order = make([]int32, len(r.waiting))
	for i := range r.order {
		r.order[i] = int32(i)
	}
	slices.SortFunc(r.order, func(i, j int32) int {
		a, b := r.waiting[i].base, r.waiting[j].base
		if a < 0 && b < 0 {
			return bytes.Compare(r.wants(a), r.wants(b))
		}
		return cmp.Compare(a, b)
	})
	r.byName = sort.Search(len(r.order), func(at int) bool { return r.waiting[r.order[at]].base >= 0 })
	r.entries = make([]int32, r.byName)
	for i := range r.entries {
		r.entries[i] = none
	}
	for i := range r.Entries.Len() {
		if r.Entries.kind(i) != 0 {
			r.know(i)
		}
	}
}

// wants is the name at a place of those that deltas lean on.
func (r *resolver) wants(base int64) []byte {
	size := r.Pack.Format.Size()
	return r.wanted[int(^base)*size:][:size]
}

// named is where in order the deltas upon a name begin.
func (r *resolver) named(name []byte) (at int, some bool) {
	return sort.Find(r.byName, func(at int) int { return bytes.Compare(name, r.wants(r.waiting[r.order[at]].base)) })
}

// know notes an entry that deltas lean on by name.
func (r *resolver) know(i int) {
	at, wanted := r.named(r.Entries.name(i))
	if wanted && r.entries[at] == none { // if it is there twice, what it leans on could lean on it
		r.entries[at] = int32(i)
	}
}

// upon appends those that lean on an entry.
func (r *resolver) upon(entry int, ready []int32) []int32 {
	name := r.Entries.name(entry)
	for at, some := r.named(name); some && at < r.byName && bytes.Equal(r.wants(r.waiting[r.order[at]].base), name); at++ {
		ready = append(ready, r.order[at])
	}
	offset := r.Entries.offset(entry)
	behind := r.order[r.byName:]
	at, _ := sort.Find(len(behind), func(at int) int { return cmp.Compare(offset, r.waiting[behind[at]].base) })
	for ; at < len(behind) && r.waiting[behind[at]].base == offset; at++ {
		ready = append(ready, behind[at])
	}
	return ready
}

// hasBase says whether the base of a delta is known by now.
func (r *resolver) hasBase(w waitingDelta) (bool, error) {
	if w.base >= 0 {
		i, ok := r.Entries.Find(w.base)
		if !ok {
			return false, errEntry
		}
		return r.Entries.kind(i) != 0, nil
	}
	name := r.wants(w.base)
	if at, _ := r.named(name); r.entries[at] != none {
		return true, nil
	}
	id := r.Pack.Format.ID(name)
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

func (r *resolver) name(entry int) error {
	before := r.unfolded
	o, err := r.Unpack(Place{r.Pack, r.Entries.offset(entry)}, r.locate)
	if err != nil {
		return err
	}
	if err := errors.Join(r.stream.count(int64(len(o.Data))), r.stream.unfold(r.unfolded-before)); err != nil {
		return err
	}
	id, err := r.hash.Of(o)
	if err != nil {
		return err
	}
	copy(r.Entries.name(entry), id.Bytes())
	c, at := r.Entries.in(entry)
	c.kinds[at] = o.Kind
	r.know(entry)
	return nil
}

func (r *resolver) locate(id object.ID) (Place, object.Object, error) {
	if at, some := r.named(id.Bytes()); some && r.entries[at] != none {
		return Place{r.Pack, r.Entries.offset(int(r.entries[at]))}, object.Object{}, nil
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
