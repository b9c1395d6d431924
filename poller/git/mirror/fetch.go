package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
	"github.com/bittrance/kitops/poller/git/pack"
	"github.com/bittrance/kitops/poller/git/remote"
)

// Receive takes in a pack that makes the wanted revision complete together with
// what the repository has. early, which may be nil, has the arrival tell what comes in. Nothing
// is changed but that there may be a temporary file until all is checked.
func (b *Bare) Receive(ctx context.Context, d *remote.FetchResponse, rev Held, limit int64, early func(*pack.Receiver)) (Held, error) {
	if d.Filtered && !b.Filtered {
		if err := b.save(filtered, nil); err != nil {
			return rev, err
		}
		b.Filtered = true
	}
	err := b.TakeIn(ctx, d, limit, early, func(whole *odb.Store) (cut []object.ID, err error) {
		rev, cut, err = b.connected(ctx, whole, rev, d.Shallow)
		return cut, err
	})
	if err != nil {
		return rev, err
	}
	return rev, b.hold(rev)
}

// ReceiveBlobs takes in a pack with blobs that were missing.
func (b *Bare) ReceiveBlobs(ctx context.Context, d *remote.FetchResponse, blobs []object.ID, limit int64) error {
	return b.TakeIn(ctx, d, limit, nil, func(whole *odb.Store) ([]object.ID, error) {
		for _, id := range blobs {
			if !whole.Has(id) {
				return nil, fmt.Errorf("blob %w", object.Missing(id))
			}
		}
		return b.Shallow, nil
	})
}

// TakeIn makes a pack one of the repository if check finds all in order, given
// the repository as it will be. check says which commits are without parents
// then.
func (b *Bare) TakeIn(ctx context.Context, r io.Reader, limit int64, early func(*pack.Receiver), check func(*odb.Store) ([]object.ID, error)) (err error) {
	if err := b.Fail.At("open", b.packDir()); err != nil {
		return err
	}
	file, err := os.CreateTemp(b.packDir(), object.TmpPrefix+"pack_")
	if err != nil {
		return err
	}
	defer func() {
		_ = file.Close()           // closed before it was renamed, if it was
		_ = os.Remove(file.Name()) // gone after the rename; what stays is swept
	}()
	a := pack.NewReceiver(ctx, r, file, limit, b.Store.Format)
	defer func() { err = errors.Join(err, a.Entries.Close()) }()
	a.Fail, a.Spools.Room = b.Fail, b.Store.Spools.Room
	if early != nil {
		early(a)
	}
	sum, err := a.Read(ctx)
	if err != nil {
		return fmt.Errorf("fetch the pack: %w", remote.CtxErr(ctx, err))
	}
	var borrow func(object.ID) (pack.Base, error)
	if len(b.Store.Packs) > 0 {
		r := b.Store.Reader()
		last := &lastBorrowed{read: func(id object.ID) (pack.Base, error) { return r.Base(ctx, id) }}
		defer func() { err = errors.Join(err, last.kept.Close()) }()
		borrow = last.borrow
	}
	borrowed, err := a.Resolve(ctx, borrow)
	if err != nil {
		return fmt.Errorf("fetch the pack: %w", remote.CtxErr(ctx, err))
	}
	if sum, err = a.Complete(borrowed, borrow, sum); err != nil {
		return err
	}
	index, err := pack.WriteIndex(b.packDir(), a.Entries, sum, b.Fail)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(index) }() // gone after the rename; what stays is swept
	p := &pack.Pack{File: file, Size: a.Pack.Size, Format: b.Store.Format}
	if p.Index, err = pack.OpenIndex(index, b.Store.Format); err != nil {
		return err
	}
	cut, err := check(&odb.Store{Format: b.Store.Format, Spools: b.Store.Spools, Packs: append(b.Store.Packs[:len(b.Store.Packs):len(b.Store.Packs)], p)})
	if closed := p.Close(); err != nil || closed != nil {
		return fmt.Errorf("check the pack: %w", errors.Join(err, closed))
	}
	return b.accept(file.Name(), index, p.Index, cut)
}

// lastBorrowed reads each object once, however often it is asked for in a row: a
// pack may lean on one of hundreds of MB.
type lastBorrowed struct {
	read func(object.ID) (pack.Base, error)
	id   object.ID
	kept pack.Base // good until another one is asked for
}

func (l *lastBorrowed) borrow(id object.ID) (pack.Base, error) {
	if l.kept.Kind != 0 && id == l.id { // a name may be all zeros
		return l.kept, nil
	}
	o, err := l.read(id)
	if err != nil {
		return o, err
	}
	err = l.kept.Close()
	l.id, l.kept = id, o
	return o, err
}

// accept makes a pack one of the repository that was found in order. A crash
// may leave commits too many in the list of those without parents, which does
// no harm, and never one too few.
func (b *Bare) accept(file, indexFile string, index *pack.Index, cut []object.ID) error {
	if index.Count > 0 {
		if err := b.saveShallow(append(cut[:len(cut):len(cut)], b.Shallow...)); err != nil {
			return err
		}
		if err := b.adopt(file, indexFile, index.Pack); err != nil {
			return err
		}
	}
	b.Shallow = cut
	return nil
}
