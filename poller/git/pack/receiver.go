package pack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/object"
)

const (
	batchBytes   = 256 << 10 // of blobs handed to a worker at once
	manyObjects  = 1 << 18   // that a pack may have whatever its size,
	limitObject  = 512       // and bytes of the size limit for each
	arrivalBases = 4 << 20   // bytes of objects kept for deltas upon them, which are not far in git's packs,
	resolveBases = 32 << 20  // and for those that are
	maxDelta     = 1 << 20   // bytes of room for deltas that is used again
)

// Receiver takes in a pack: it finds the names of its objects and hands them on
// while they are in memory. Deltas whose base has gone from memory by then, or
// comes later, wait for resolve.
type Receiver struct {
	stream  *packStream
	Entries *Table
	most    int   // bytes of objects that are kept for the deltas that wait
	waiting int   // entries whose base must be found first: of a delta's kind, with the base in the name's place
	Pack    *Pack // what has come so far; without an index
	Unpacker
	hash *object.Hasher
	Fail Fail // for tests

	// onMeta gets commits, trees and tags in their order, and blobs that come
	// later are received later. onBlob makes a receiver of blobs for each of
	// several goroutines, and what ends it. Both may be nil.
	OnMeta func(id object.ID, o object.Object) error
	OnBlob func() (receive func(id object.ID, data []byte) error, done func(), err error)

	delta []byte // room for the one at hand
	batch []received
	size  int // bytes in batch
}

// received is a blob on its way to a worker, and where its name goes.
type received struct {
	name []byte
	page *page // of the name
	data []byte
}

// NewReceiver makes one that saves the pack to file. What it keeps of many objects
// may take another file beside that, which goes when Entries are closed.
func NewReceiver(ctx context.Context, r io.Reader, file *os.File, limit int64, f object.Format) *Receiver {
	dir := filepath.Dir(file.Name())
	a := &Receiver{
		stream: newPackStream(ctx, r, limit, f), Pack: &Pack{File: file, Format: f},
		Entries: NewTable(f, NewScratch(dir)), Unpacker: NewUnpacker(arrivalBases), hash: object.NewHasher(f),
	}
	a.Spools.Dir, a.most = dir, resolveBases
	return a
}

// Read takes in the whole pack and returns its checksum.
func (a *Receiver) Read(ctx context.Context) (object.ID, error) {
	a.stream.out = a.Fail.Writer(a.Pack.File)
	count, err := a.stream.open()
	if err != nil {
		return object.ID{}, err
	}
	if most := manyObjects + a.stream.limit/limitObject; int64(count) > most {
		return object.ID{}, fmt.Errorf("the pack has %d objects, as many as if the repository had %w", count, disk.TooMuch(a.stream.limit))
	}
	batches := make(chan []received, 2*disk.Writers())
	group, ctx := errgroup.WithContext(ctx)
	for range disk.Writers() {
		group.Go(bug.Caught(func() error { return a.work(batches) }))
	}
	group.Go(bug.Caught(func() error {
		defer close(batches)
		for range count {
			if err := a.next(ctx, batches); err != nil {
				return err
			}
		}
		return a.send(ctx, batches)
	}))
	if err := group.Wait(); err != nil {
		return object.ID{}, err
	}
	sum, err := a.stream.close()
	a.Pack.Size = a.stream.offset()
	return sum, err
}

// next takes in one entry.
func (a *Receiver) next(ctx context.Context, batches chan<- []received) error {
	offset := a.stream.offset()
	if a.Entries.scratch.Err != nil {
		return a.Entries.scratch.Err
	}
	h, err := a.stream.head()
	if err != nil {
		return err
	}
	if h.Delta() && h.Size > StreamAbove { // it is read again when its base is known
		if err := a.stream.copy(io.Discard, h); err != nil {
			return err
		}
		return a.wait(h, offset)
	}
	if h.Size > StreamAbove && h.Kind == object.KindBlob {
		a.hash.Begin(h.Kind, h.Size)
		if err := a.stream.copy(a.hash, h); err != nil {
			return err
		}
		id, err := a.hash.ID()
		a.Entries.Add(Entry{Offset: offset, Crc: a.stream.crc, Kind: h.Kind, ID: id})
		return err
	}
	var room []byte
	if h.Delta() {
		room = a.delta
	}
	data, err := a.stream.content(h, room)
	if err != nil {
		return err
	}
	if h.Delta() && cap(data) <= maxDelta {
		a.delta = data
	}
	o := object.Object{Kind: h.Kind, Data: data}
	if h.Delta() {
		base, known := a.base(h, offset)
		size := int64(min(resultSize(data), MaxObject))
		if !known || size > StreamAbove { // large ones one at a time
			return a.wait(h, offset)
		}
		if err := errors.Join(a.stream.count(size), a.stream.unfold(size)); err != nil {
			return err
		}
		o.Kind = base.Kind
		if o.Data, err = applyDelta(base.Data, data, MaxObject); err != nil {
			return err
		}
	}
	a.bases.put(Place{a.Pack, offset}, o)
	e := Entry{Offset: offset, Crc: a.stream.crc, Kind: o.Kind}
	if o.Kind == object.KindBlob {
		name, page := a.Entries.await(e)
		a.batch = append(a.batch, received{name, page, o.Data})
		if a.size += Weight(o); a.size > batchBytes {
			return a.send(ctx, batches)
		}
		return nil
	}
	e.ID, err = a.hash.Of(o)
	a.Entries.Add(e)
	if err != nil || a.OnMeta == nil {
		return err
	}
	return a.OnMeta(e.ID, o)
}

// base is what an offset delta leans on, if it is still in memory.
func (a *Receiver) base(h EntryHead, offset int64) (object.Object, bool) {
	if h.Kind != object.KindOffsetDelta {
		return object.Object{}, false
	}
	return a.bases.get(Place{a.Pack, offset - h.Back})
}

// wait adds a delta whose name is not known yet.
func (a *Receiver) wait(h EntryHead, offset int64) error {
	if h.Kind == object.KindOffsetDelta && (h.Back <= 0 || offset-h.Back < packHead) {
		return errEntry
	}
	a.Entries.Add(Entry{Offset: offset, Crc: a.stream.crc, Kind: h.Kind, ID: h.Base})
	if h.Kind == object.KindOffsetDelta {
		a.Entries.leanOn(a.Entries.Len()-1, offset-h.Back)
	}
	a.waiting++
	return nil
}

func (a *Receiver) send(ctx context.Context, batches chan<- []received) error {
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
func (a *Receiver) work(batches <-chan []received) (err error) {
	receive := func(object.ID, []byte) error { return nil }
	var started bool
	hash := object.NewHasher(a.Pack.Format)
	for batch := range batches {
		if !started && a.OnBlob != nil {
			started = true
			var done func()
			if receive, done, err = a.OnBlob(); err != nil {
				return err
			}
			defer done()
		}
		for _, blob := range batch {
			id, err := hash.Of(object.Object{Kind: object.KindBlob, Data: blob.data})
			if err != nil {
				return err
			}
			copy(blob.name, id.Bytes())
			blob.page.awaited.Add(-1)
			if err := receive(id, blob.data); err != nil {
				return err
			}
		}
	}
	return nil
}
