package lease

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/bittrance/kitops/poller/store"
)

// Format is how a document is read and written, and where its lease stands.
type Format[S any] struct {
	Decode func(data []byte, into *S) error
	Encode func(S) ([]byte, error)
	Lease  func(*S) *Lease
}

// Document is one document of a store, decoded. It is used by one goroutine;
// several may have one each of the same key.
type Document[S any] struct {
	Store  store.Store
	Key    string
	Format Format[S]
	// Hold is the lease on it; nil where the store is this instance's alone, and
	// then nothing but S is saved.
	Hold *Hold

	State   S
	Version string // of the document that State was decoded from; "" is none

	now   time.Time // the store's, when it was read
	mark  time.Duration
	fence uint64 // of the lease that this Document has taken; 0: none
}

// Beside returns a Document of the same key for another goroutine, with the same lease.
func (d *Document[S]) Beside() *Document[S] {
	return &Document[S]{Store: d.Store, Key: d.Key, Format: d.Format, Hold: d.Hold, fence: d.fence}
}

// errTimeless speaks against any lease: nobody could know when it ends.
var errTimeless = errors.New("the store does not tell its time: a server or a proxy leaves the Date out of its answers")

// Load reads the document, and decodes it only when it is another than before.
// A missing one is the zero S.
func (d *Document[S]) Load(ctx context.Context) (S, error) {
	var none S
	var before glance
	if d.Hold != nil {
		before = d.Hold.look()
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.Hold.of.Terms.Timeout)
		defer cancel()
	}
	doc, err := d.Store.Get(ctx, d.Key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.State, d.Version = none, ""
	case err != nil:
		return none, fmt.Errorf("read state: %w", err)
	case doc.Version != d.Version:
		var state S
		if err := d.Format.Decode(doc.Data, &state); err != nil {
			return none, fmt.Errorf("state of task %q: %w", d.Key, err)
		}
		d.State, d.Version = state, doc.Version
	}
	if d.Hold != nil {
		if doc.Now.IsZero() {
			return none, fmt.Errorf("state of task %q: %w", d.Key, errTimeless)
		}
		d.now, d.mark = doc.Now, before.mark
		if err := d.Hold.saw(*d.Format.Lease(&d.State), before); err != nil {
			return none, err
		}
	}
	return d.State, nil
}

// Recall has the document be what was read of it elsewhere, by no one's leave: whoever
// then takes the lease, or saves, reads it anew.
func (d *Document[S]) Recall(doc store.Document) (S, error) {
	var state S
	switch {
	case doc.Version == "":
		d.State, d.Version = state, ""
	case doc.Version != d.Version:
		if err := d.Format.Decode(doc.Data, &state); err != nil {
			return state, fmt.Errorf("state of task %q: %w", d.Key, err)
		}
		d.State, d.Version = state, doc.Version
	}
	d.now = doc.Now
	return d.State, nil
}

// Save is read-modify-write: the change is made to what the store has now. It is
// not cut short by the end of ctx, since what happened has happened. With a lease
// it needs to be this Document's, else the error is *[LostError]; an error of
// the store leaves open whether the change was saved, and change may be called again.
func (d *Document[S]) Save(ctx context.Context, change func(S) S) error {
	return d.write(context.WithoutCancel(ctx), change, d.keep)
}

// Drop deletes the document as it was loaded, and leaves a newer one. Where there
// is a lease it is emptied instead, so that the fence counts on.
func (d *Document[S]) Drop(ctx context.Context) error {
	if d.Hold != nil {
		var none S
		return d.Save(ctx, func(S) S { return none })
	}
	_, err := d.Store.Put(context.WithoutCancel(ctx), d.Key, nil, d.Version)
	if err != nil && !errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("forget state of task %q: %w", d.Key, err)
	}
	d.Version = ""
	return nil
}

// Now is the store's time when the document was loaded; the zero time without a lease.
func (d *Document[S]) Now() time.Time { return d.now }

// mostConflicts is after how many of them something else is wrong.
const mostConflicts = 50

// sent is a document whose saving was tried.
type sent[S any] struct {
	state   S
	data    []byte
	version string // that it replaces
	lease   Lease
	mark    time.Duration
	ended   bool
}

// write makes a change to what the store has. Lease returns the one that goes with it.
func (d *Document[S]) write(ctx context.Context, change func(S) S, next func(Lease) (_ Lease, ended bool, _ error)) error {
	var last *sent[S]
	for conflicts, failed := 0, false; ; {
		if _, err := d.Load(ctx); err != nil {
			return err
		}
		if last != nil && last.lease.Nonce != "" && d.Hold.hasLanded(last.lease.Nonce) {
			d.Hold.saved(last.lease, last.mark, last.ended)
			return nil
		}
		if last == nil || last.version != d.Version || d.Hold == nil { // else the same again, under the same condition
			var err error
			if last, err = d.prepare(change, next); err != nil {
				return err
			}
		}
		version, err := d.put(ctx, last)
		switch {
		case err == nil:
			d.State, d.Version = last.state, version
			if d.Hold != nil {
				d.Hold.saved(last.lease, last.mark, last.ended)
			}
			return nil
		case errors.Is(err, store.ErrConflict) && (d.Hold == nil || conflicts < mostConflicts):
			conflicts++ // perhaps with the same document, whose answer was lost
		case d.Hold == nil || failed || ctx.Err() != nil:
			return fmt.Errorf("save state: %w", err)
		default:
			failed = true
		}
	}
}

// prepare makes the document that is to replace the loaded one.
func (d *Document[S]) prepare(change func(S) S, next func(Lease) (Lease, bool, error)) (*sent[S], error) {
	s := &sent[S]{version: d.Version, mark: d.mark}
	s.state = d.State
	if d.Hold != nil {
		var err error
		if s.lease, s.ended, err = next(*d.Format.Lease(&d.State)); err != nil {
			return nil, err
		}
	}
	s.state = change(s.state)
	if d.Hold != nil {
		*d.Format.Lease(&s.state) = s.lease
	}
	var err error
	if s.data, err = d.Format.Encode(s.state); err != nil {
		return nil, fmt.Errorf("encode state of task %q: %w", d.Key, err)
	}
	return s, nil
}

func (d *Document[S]) put(ctx context.Context, s *sent[S]) (string, error) {
	if d.Hold != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.Hold.of.Terms.Timeout)
		defer cancel()
	}
	return d.Store.Put(ctx, d.Key, s.data, s.version)
}
