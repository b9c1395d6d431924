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
	err := b.TakeIn(ctx, d, limit, early, func(whole *odb.Store) (cut []object.ID, err error) {
		rev, cut, err = b.connected(ctx, whole, rev, d.Shallow)
		return cut, err
	})
	if err != nil {
		return rev, err
	}
	return rev, b.hold(rev)
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
	a.Fail = b.Fail
	if early != nil {
		early(a)
	}
	sum, err := a.Read(ctx)
	if err != nil {
		return fmt.Errorf("fetch the pack: %w", remote.CtxErr(ctx, err))
	}
	var borrow func(object.ID) (object.Object, error)
	if len(b.Store.Packs) > 0 {
		borrow = b.Store.Reader().Read
	}
	borrowed, err := a.Resolve(ctx, borrow)
	if err != nil {
		return fmt.Errorf("fetch the pack: %w", remote.CtxErr(ctx, err))
	}
	if sum, err = a.Complete(borrowed, borrow, sum); err != nil {
		return err
	}
	index := pack.EncodeIndex(a.Entries, sum)
	parsed, ok := pack.ParseIndex(index, sum.Format())
	if !ok {
		return errors.New("the index of the pack cannot be read back")
	}
	p := &pack.Pack{File: file, Size: a.Pack.Size, Index: parsed, Format: b.Store.Format}
	cut, err := check(&odb.Store{Format: b.Store.Format, Packs: append(b.Store.Packs[:len(b.Store.Packs):len(b.Store.Packs)], p)})
	if err != nil {
		return fmt.Errorf("check the pack: %w", err)
	}
	if err := file.Close(); err != nil {
		return err
	}
	return b.accept(file.Name(), index, sum, cut)
}

// accept makes a pack one of the repository that was found in order. A crash
// may leave commits too many in the list of those without parents, which does
// no harm, and never one too few.
func (b *Bare) accept(file string, index []byte, sum object.ID, cut []object.ID) error {
	if parsed, ok := pack.ParseIndex(index, sum.Format()); ok && parsed.Count > 0 {
		if err := b.saveShallow(append(cut[:len(cut):len(cut)], b.Shallow...)); err != nil {
			return err
		}
		if err := b.adopt(file, index, sum); err != nil {
			return err
		}
	}
	b.Shallow = cut
	return nil
}
