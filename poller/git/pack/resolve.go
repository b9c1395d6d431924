package pack

import (
	"context"
	"encoding/binary"
	"errors"
	"io"

	"github.com/bittrance/kitops/poller/git/object"
)

var errNoBase = errors.New("the pack leans on an object that is nowhere")

// resolver names the deltas of an arrival that wait, in whatever order their
// bases come. It has no maps: a pack of some MB can have millions of deltas.
type resolver struct {
	*Receiver

	// borrow reads what a thin pack leans on from elsewhere. It may be nil.
	borrow   func(object.ID) (Base, error)
	borrowed map[object.ID]bool

	byName   waitingList // the deltas that lean on a name,
	byOffset waitingList // and those that lean on an offset
	unknown  int         // of byName, those that lean on what has not turned up yet
}

// Resolve names the objects that the pack leans on and does not have.
func (a *Receiver) Resolve(ctx context.Context, borrow func(object.ID) (Base, error)) (borrowed map[object.ID]bool, err error) {
	if a.waiting == 0 {
		return nil, nil
	}
	a.bases.limit, a.passing = a.most, true
	defer func() { err = errors.Join(err, a.release()) }()
	r := &resolver{Receiver: a, borrow: borrow, borrowed: map[object.ID]bool{}}
	err = r.prepare()
	for i := 0; i < a.Entries.Len() && err == nil && a.waiting > 0; i++ {
		if !r.waits(i) {
			continue
		}
		var ok bool
		if ok, err = r.hasBase(i); err == nil && ok {
			err = r.nameAll(ctx, i)
		}
	}
	if a.Entries.scratch.Err != nil { // whatever came of it
		return nil, a.Entries.scratch.Err
	}
	if err == nil && a.waiting > 0 {
		err = errNoBase
	}
	return r.borrowed, err
}

// nameAll names a delta and all that lean on it, those on each of them first.
func (r *resolver) nameAll(ctx context.Context, i int) error {
	if err := r.name(ctx, i); err != nil {
		return err
	}
	for ways := r.upon(i, nil); len(ways) > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		way := &ways[len(ways)-1]
		child, some := way.next()
		if !some {
			ways = ways[:len(ways)-1]
			continue
		}
		if !r.waits(child) {
			continue
		}
		if err := r.name(ctx, child); err != nil {
			return err
		}
		ways = r.upon(child, ways)
	}
	return nil
}

func (r *resolver) waits(i int) bool { return r.Entries.kind(i) > object.KindTag }

// prepare sorts what waits by what it waits for.
func (r *resolver) prepare() error {
	t := r.Entries
	names, offsets := newSorter(t.scratch, t.format.Size()+4, 0), newSorter(t.scratch, 8+4, 0)
	var record []byte
	for i := range t.Len() {
		into, key := offsets, t.name(i)
		switch t.kind(i) {
		case object.KindRefDelta:
			into = names
		case object.KindOffsetDelta:
			key = key[:8]
		default:
			continue
		}
		record = binary.BigEndian.AppendUint32(append(record[:0], key...), uint32(i))
		if err := into.add(record); err != nil {
			return err
		}
	}
	var err error
	if r.byName, err = newWaitingList(names); err != nil {
		return err
	}
	r.unknown = r.byName.count
	if r.byOffset, err = newWaitingList(offsets); err != nil {
		return err
	}
	for i := 0; i < t.Len() && r.byName.count > 0; i++ {
		if !r.waits(i) {
			r.know(i)
		}
	}
	return nil
}

// know notes an entry that deltas lean on by name.
func (r *resolver) know(i int) {
	at, wanted := r.byName.find(r.Entries.name(i))
	if _, known := r.byName.known(at, wanted); wanted && !known { // if it is there twice, what it leans on could lean on it
		r.byName.know(at, i)
		r.found(at)
	}
}

// found notes that what deltas lean on by name has turned up.
func (r *resolver) found(at int) {
	way := wayUp{list: &r.byName, at: at}
	copy(way.key[:], r.byName.key(at))
	for _, some := way.next(); some; _, some = way.next() {
		r.unknown--
	}
}

// upon appends the ways to those that lean on an entry.
func (r *resolver) upon(i int, ways []wayUp) []wayUp {
	for _, list := range []*waitingList{&r.byName, &r.byOffset} {
		key := r.Entries.at(i)[:8]
		if list == &r.byName {
			key = r.Entries.name(i)
		}
		if at, some := list.find(key); some {
			way := wayUp{list: list, at: at}
			copy(way.key[:], key)
			ways = append(ways, way)
		}
	}
	return ways
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
	id := r.Entries.format.ID(r.Entries.name(i))
	at, wanted := r.byName.find(id.Bytes())
	if _, known := r.byName.known(at, wanted); known {
		return true, nil
	}
	if r.borrowed[id] || r.borrow == nil {
		return r.borrowed[id], nil
	}
	if _, err := r.borrow(id); err != nil {
		// It may still turn up as a delta within the pack.
		return false, nil //nolint:nilerr // what is never found is errNoBase
	}
	r.borrowed[id] = true
	r.found(at)
	return true, nil
}

func (r *resolver) name(ctx context.Context, entry int) error {
	before := r.unfolded
	kind, err := r.make(ctx, entry)
	if err != nil {
		return err
	}
	if err := r.stream.unfold(r.unfolded - before); err != nil {
		return err
	}
	id, err := r.hash.ID()
	if err != nil {
		return err
	}
	r.Entries.resolve(entry, id, kind)
	r.know(entry)
	r.waiting--
	return nil
}

// make hashes what a delta makes. A large one stays in a file if others lean on it.
func (r *resolver) make(ctx context.Context, entry int) (object.Kind, error) {
	c, err := r.chain(Place{r.Pack, r.Entries.offset(entry)}, r.locate)
	if err != nil {
		return 0, err
	}
	if !c.large {
		o, err := r.unpack(c)
		if err != nil {
			return 0, err
		}
		r.hash.Begin(o.Kind, int64(len(o.Data)))
		_, _ = r.hash.Write(o.Data)
		return o.Kind, r.stream.count(int64(len(o.Data)))
	}
	_, leanedOn := r.byOffset.find(r.Entries.at(entry)[:8])
	var made object.Kind
	err = r.makeTo(c, ctx.Err, func(kind object.Kind, size int64) (io.Writer, error) {
		made = kind
		r.hash.Begin(kind, size)
		return r.hash, r.stream.count(size)
	}, leanedOn || r.unknown > 0)
	return made, err
}

func (r *resolver) locate(id object.ID) (Place, Base, error) {
	if entry, known := r.byName.known(r.byName.find(id.Bytes())); known {
		return Place{r.Pack, r.Entries.offset(entry)}, Base{}, nil
	}
	if !r.borrowed[id] {
		return Place{}, Base{}, errNoBase
	}
	o, err := r.borrow(id)
	return Place{}, o, err
}
