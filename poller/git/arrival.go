package git

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/go-git/go-git/v5/plumbing"
	"golang.org/x/sync/errgroup"
)

const (
	batchBytes   = 256 << 10 // of blobs handed to a worker at once
	maxPackCount = 1 << 26   // objects; no repository comes near
	arrivalBases = 4 << 20   // bytes of objects kept for deltas upon them, which are not far in git's packs,
	resolveBases = 32 << 20  // and for those that are
	entryChunk   = 1 << 10
	maxDelta     = 1 << 20 // bytes of room for deltas that is used again
)

// arrival takes in a pack: it finds the names of its objects and hands them on
// while they are in memory. Deltas whose base has gone from memory by then, or
// comes later, wait for resolve.
type arrival struct {
	stream  *packStream
	entries []packEntry
	waiting []waitingDelta
	pack    *pack // what has come so far; without an index
	unpacker
	hash *objectHash

	// onMeta gets commits, trees and tags in their order, and blobs that come
	// later are received later. onBlob makes a receiver of blobs for each of
	// several goroutines, and what ends it. Both may be nil.
	onMeta func(id plumbing.Hash, o object) error
	onBlob func() (receive func(id plumbing.Hash, data []byte) error, done func(), err error)

	delta  []byte        // room for the one at hand
	chunks [][]packEntry // entries, while workers write names into them
	batch  []arrived
	size   int // bytes in batch
}

// waitingDelta is an entry whose base must be found first.
type waitingDelta struct {
	entry int
	base  int64         // its offset, or 0:
	id    plumbing.Hash // its name
}

// arrived is a blob on its way to a worker.
type arrived struct {
	entry *packEntry
	data  []byte
}

// newArrival makes one that saves the pack to file.
func newArrival(ctx context.Context, r io.Reader, file *os.File, limit int64) *arrival {
	return &arrival{
		stream: newPackStream(ctx, r, file, limit), pack: &pack{file: file},
		unpacker: newUnpacker(arrivalBases), hash: newObjectHash(),
	}
}

// read takes in the whole pack and returns its checksum.
func (a *arrival) read(ctx context.Context) (plumbing.Hash, error) {
	count, err := a.stream.open()
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if count > maxPackCount {
		return plumbing.ZeroHash, fmt.Errorf("the pack claims to have %d objects", count)
	}
	batches := make(chan []arrived, 2*writers())
	group, ctx := errgroup.WithContext(ctx)
	for range writers() {
		group.Go(func() error { return a.work(batches) })
	}
	group.Go(func() error {
		defer close(batches)
		for i := range int(count) {
			if err := a.next(ctx, i, batches); err != nil {
				return err
			}
		}
		return a.send(ctx, batches)
	})
	if err := group.Wait(); err != nil {
		return plumbing.ZeroHash, err
	}
	for _, chunk := range a.chunks {
		a.entries = append(a.entries, chunk...)
	}
	a.chunks = nil
	sum, err := a.stream.close()
	a.pack.size = a.stream.offset()
	return sum, err
}

// next takes in one entry.
func (a *arrival) next(ctx context.Context, i int, batches chan<- []arrived) error {
	offset := a.stream.offset()
	h, err := a.stream.head()
	if err != nil {
		return err
	}
	e := a.add(i)
	e.offset = offset
	if !h.delta() && h.size > streamAbove && h.kind == plumbing.BlobObject {
		a.hash.begin(h.kind, h.size)
		if err := a.stream.copy(a.hash, h); err != nil {
			return err
		}
		e.kind, e.crc = h.kind, a.stream.crc
		e.id, err = a.hash.id()
		return err
	}
	var room []byte
	if h.delta() {
		room = a.delta
	}
	data, err := a.stream.content(h, room)
	if err != nil {
		return err
	}
	if h.delta() && cap(data) <= maxDelta {
		a.delta = data
	}
	e.crc = a.stream.crc
	o := object{h.kind, data}
	if h.delta() {
		base, known := a.base(h, offset)
		if !known {
			return a.wait(i, h, offset)
		}
		o.kind = base.kind
		if o.data, err = applyDelta(base.data, data, maxObject); err != nil {
			return err
		}
	}
	a.bases.put(place{a.pack, offset}, o)
	e.kind = o.kind
	if o.kind == plumbing.BlobObject {
		a.batch = append(a.batch, arrived{e, o.data})
		if a.size += weight(o); a.size > batchBytes {
			return a.send(ctx, batches)
		}
		return nil
	}
	if e.id, err = a.hash.of(o); err != nil || a.onMeta == nil {
		return err
	}
	return a.onMeta(e.id, o)
}

// add makes room for an entry where it can stay while others are added.
func (a *arrival) add(i int) *packEntry {
	if i%entryChunk == 0 {
		a.chunks = append(a.chunks, make([]packEntry, 0, entryChunk))
	}
	last := &a.chunks[len(a.chunks)-1]
	*last = append(*last, packEntry{})
	return &(*last)[len(*last)-1]
}

// base is what an offset delta leans on, if it is still in memory.
func (a *arrival) base(h entryHead, offset int64) (object, bool) {
	if h.kind != plumbing.OFSDeltaObject {
		return object{}, false
	}
	return a.bases.get(place{a.pack, offset - h.back})
}

func (a *arrival) wait(i int, h entryHead, offset int64) error {
	w := waitingDelta{entry: i, id: h.base}
	if h.kind == plumbing.OFSDeltaObject {
		if w.base = offset - h.back; h.back <= 0 || w.base < packHead {
			return errEntry
		}
	}
	a.waiting = append(a.waiting, w)
	return nil
}

func (a *arrival) send(ctx context.Context, batches chan<- []arrived) error {
	if len(a.batch) == 0 {
		return nil
	}
	select {
	case batches <- a.batch:
		a.batch, a.size = nil, 0
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// work names blobs and hands them on.
func (a *arrival) work(batches <-chan []arrived) (err error) {
	receive := func(plumbing.Hash, []byte) error { return nil }
	var started bool
	hash := newObjectHash()
	for batch := range batches {
		if !started && a.onBlob != nil {
			started = true
			var done func()
			if receive, done, err = a.onBlob(); err != nil {
				return err
			}
			defer done()
		}
		for _, blob := range batch {
			id, err := hash.of(object{plumbing.BlobObject, blob.data})
			if err != nil {
				return err
			}
			blob.entry.id = id
			if err := receive(id, blob.data); err != nil {
				return err
			}
		}
	}
	return nil
}

// named are the entries by what they are called, those that wait left out.
func (a *arrival) named() map[plumbing.Hash]int {
	names := make(map[plumbing.Hash]int, len(a.entries))
	for i, e := range a.entries {
		if _, twice := names[e.id]; !twice && e.kind != 0 {
			names[e.id] = i
		}
	}
	return names
}
