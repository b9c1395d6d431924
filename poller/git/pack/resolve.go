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

	// The deltas that lean on a name, by that name. The first upon each name also
	// has the entry of that name, or none.
	byName  []int32
	names   []byte // one after another
	entries []int32

	// The deltas that lean on an offset, by that offset.
	byOffset []int32
	offsets  []int64
}

const none = -1

// Resolve names the objects that the pack leans on and does not have.
func (a *Receiver) Resolve(ctx context.Context, borrow func(object.ID) (object.Object, error)) (borrowed map[object.ID]bool, err error) {
	if a.waiting == 0 {
		return nil, nil
	}
	a.bases.limit, a.passing = resolveBases, true
	defer func() { a.rooms, a.lastAt, a.last = [2][]byte{}, Place{}, object.Object{} }() // they may hold hundreds of MB
	r := &resolver{Receiver: a, borrow: borrow, borrowed: map[object.ID]bool{}}
	r.prepare()
	var ready []int32
	for i := range a.Entries.Len() {
		if !r.waits(i) {
			continue
		}
		if ok, err := r.hasBase(i); err != nil {
			return nil, err
		} else if !ok {
			continue
		}
		for ready = append(ready[:0], int32(i)); len(ready) > 0; {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			i := int(ready[len(ready)-1])
			ready = ready[:len(ready)-1]
			if !r.waits(i) {
				continue
			}
			if err := r.name(i); err != nil {
				return nil, err
			}
			a.waiting--
			ready = r.upon(i, ready)
		}
	}
	if a.waiting > 0 {
		return nil, errNoBase
	}
	return r.borrowed, nil
}

func (r *resolver) waits(i int) bool { return r.Entries.kind(i) > object.KindTag }

// prepare sorts what waits by what it waits for.
func (r *resolver) prepare() {
	t := r.Entries
	for i := range t.Len() {
		switch t.kind(i) {
		case object.KindRefDelta:
			r.byName = append(r.byName, int32(i))
		case object.KindOffsetDelta:
			r.byOffset = append(r.byOffset, int32(i))
		}
	}
	slices.SortFunc(r.byName, func(i, j int32) int { return bytes.Compare(t.name(int(i)), t.name(int(j))) })
	slices.SortFunc(r.byOffset, func(i, j int32) int { return cmp.Compare(t.leansOn(int(i)), t.leansOn(int(j))) })
	r.names = make([]byte, 0, len(r.byName)*t.format.Size())
	r.entries = make([]int32, 0, len(r.byName))
	for _, i := range r.byName {
		r.names, r.entries = append(r.names, t.name(int(i))...), append(r.entries, none)
	}
	r.offsets = make([]int64, 0, len(r.byOffset))
	for _, i := range r.byOffset {
		r.offsets = append(r.offsets, t.leansOn(int(i)))
	}
	for i := range t.Len() {
		if !r.waits(i) {
			r.know(i)
		}
	}
}

// wanted is the name that a delta of byName leans on.
func (r *resolver) wanted(at int) []byte {
	size := r.Entries.format.Size()
	return r.names[at*size:][:size]
}

// named is where in byName the deltas upon a name begin.
func (r *resolver) named(name []byte) (at int, some bool) {
	return sort.Find(len(r.byName), func(at int) int { return bytes.Compare(name, r.wanted(at)) })
}

// know notes an entry that deltas lean on by name.
func (r *resolver) know(i int) {
	at, wanted := r.named(r.Entries.name(i))
	if wanted && r.entries[at] == none { // if it is there twice, what it leans on could lean on it
		r.entries[at] = int32(i)
	}
}

// upon appends those that lean on an entry.
func (r *resolver) upon(i int, ready []int32) []int32 {
	name := r.Entries.name(i)
	for at, some := r.named(name); some && at < len(r.byName) && bytes.Equal(r.wanted(at), name); at++ {
		ready = append(ready, r.byName[at])
	}
	offset := r.Entries.offset(i)
	for at, some := slices.BinarySearch(r.offsets, offset); some && at < len(r.offsets) && r.offsets[at] == offset; at++ {
		ready = append(ready, r.byOffset[at])
	}
	return ready
}

// hasBase says whether the base of a delta is known by now.
func (r *resolver) hasBase(i int) (bool, error) {
	if r.Entries.kind(i) == object.KindOffsetDelta {
		base, ok := r.Entries.Find(r.Entries.leansOn(i))
		if !ok {
			return false, errEntry
		}
		return !r.waits(base), nil
	}
	name := r.Entries.name(i)
	if at, _ := r.named(name); r.entries[at] != none {
		return true, nil
	}
	id := r.Entries.format.ID(name)
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
	r.Entries.setKind(entry, o.Kind)
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
